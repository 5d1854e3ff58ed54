/**
 * The other side of the comparison: a server that catches and checks auth packets as ours does, but follows a client as
 * tunnel scripts do, by running `ip` and `nft`. It takes over the tunnel and the packet queue of a server that was killed,
 * so that both have the same link and the same ruleset; nothing of ours looks after them meanwhile.
 *
 *     node forking-server.js PUBLIC_KEY SECRET BOUND_ADDRESS BOUND_PORT
 */
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { decodePublicKey, newGuard } from '../../src/auth/index.js';
import { createServer, RANDOM_BYTES, stepServer, type Endpoint, type ServerEvent } from '../../src/core/index.js';
import { AuthPort } from '../../src/dataplane/kernel/auth-port.js';

const [publicKey = '', secret = '', address = '', port = ''] = process.argv.slice(2);
const peerKey = decodePublicKey(publicKey);
if (!peerKey.ok) throw new Error('no public key');
const peer = 'ipipou0';

const settings = {
  peer,
  scheme: { kind: 'ed25519', peerKey: peerKey.value, secret: Buffer.from(secret) },
  byRemoteIp: false,
  byRemotePort: false,
  maxDiscrepancySeconds: 0,
  lifetimeSeconds: 0,
  replyOnAuthOk: false,
} as const;
let state = createServer([{ settings, guard: newGuard(0) }]);

function take(event: ServerEvent): void {
  const now = { unixMs: Date.now(), monotonicMs: performance.now() };
  const step = stepServer(state, event, now, randomBytes(RANDOM_BYTES));
  state = step.state;
  for (const action of step.actions) if (action.kind === 'roam') follow(action.from, action.to);
}

/** The link last: when the first packet comes out at the new endpoint both changes have been made. */
function follow(from: Endpoint, to: Endpoint): void {
  execFileSync('nft', ['-f', '-'], {
    input: `
      delete element ip ipipou-0 endpoints { ${from.address} . ${from.port} }
      add element ip ipipou-0 endpoints { ${to.address} . ${to.port} : 172.29.0.0 }`,
  });
  const tunnel = ['remote', to.address, 'local', '172.29.0.0', 'dev', 'eth'];
  const encap = ['encap', 'fou', 'encap-sport', '10000', 'encap-dport', String(to.port)];
  execFileSync('ip', ['link', 'set', 'dev', peer, 'type', 'ipip', ...tunnel, ...encap]);
}

const fail = (error: Error): never => {
  throw error;
};
take({ kind: 'adopted', peer, endpoint: { address, port: Number(port) } });
await AuthPort.open({
  queueNumber: 0,
  queueLength: 24,
  ttl: 64,
  onAuthPacket: (packet) => {
    take({ kind: 'authPacket', ...packet });
  },
  onUnheard: () => fail(new Error('nobody listens on the port')),
  onUnreadable: () => fail(new Error('a packet that is none')),
  onDrops: () => fail(new Error('packets lost')),
  onError: fail,
});
process.stdout.write('server ready\n');
