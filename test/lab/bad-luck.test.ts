import assert from 'node:assert/strict';
import { before, describe, it } from 'mocha';
import { answersPing, barrier, exec, rawSender, suiteScope, waitUntil } from './support/index.js';
import { preload } from './support/preload.js';
import { queueView } from './support/queue.js';
import {
  authPacket,
  endpointOf,
  makeKeys,
  natTunnel,
  PORT,
  SERVER_INNER,
  startServer,
  type NatTunnel,
} from './support/tunnel.js';
import { SERVER_OUTER, STRANGER_OUTER, NAT_OUTER } from './support/wan.js';
import { pairTopology } from './support/index.js';

/** At most so many that the ruleset lets them all through, and a pause in which it is ready for as many again. */
const BURST = 8;
const PAUSE_MS = 50;
const LOST = 40;
/** Two reports each; the socket that hears them has room for some thousands. */
const ROUTES = 12_000;

describe('a daemon that was kept from running', () => {
  const scope = suiteScope();
  let tunnel: NatTunnel;

  before(async () => {
    tunnel = await natTunnel(scope);
  });

  it('finds its queue overflown, says how many packets that cost, and goes on', async () => {
    const { net, server, client } = tunnel;
    const queue = queueView(scope, net.server);
    const stranger = rawSender(scope, net.stranger);
    const strange = makeKeys();
    server.signal('SIGSTOP');
    const since = server.mark();
    const payload = authPacket(strange);
    payload.writeUInt8(0x90, 0);
    const send = (): boolean => {
      for (let packet = 0; packet < BURST; packet++) {
        stranger.udp({ from: `${STRANGER_OUTER}:${20_000 + packet}`, to: `${SERVER_OUTER}:${PORT}`, payload });
      }
      return queue.lost >= LOST;
    };
    await waitUntil(send, { what: 'a queue that is full', everyMs: PAUSE_MS });
    await barrier(net.stranger, SERVER_OUTER);
    const { lost } = queue;
    server.signal('SIGCONT');
    await server.waitForLog(new RegExp(`WARN too many auth packets at once: ${lost} lost \\(${lost} to a full`), {
      since,
    });
    const mark = client.mark();
    client.signal('SIGUSR1');
    await client.waitForLog(/the server answered/, { since: mark });
  });

  it('finds reports of the kernel lost, says how many, and what they were about', async function () {
    this.timeout(240_000);
    const { net, client, server } = tunnel;
    const [since, mark] = [client.mark(), server.mark()];
    client.signal('SIGSTOP');
    const routes = Array.from({ length: ROUTES }, (_, n) => `100.${64 + (n >> 16)}.${(n >> 8) & 255}.${n & 255}/32`);
    await net.client.ip(...routes.map((route) => `route add blackhole ${route}`));
    await net.client.ip('route flush type blackhole');
    await net.client.ip(
      'addr del 10.9.1.2/24 dev inside',
      'addr add 10.9.1.77/24 dev inside',
      'route add default via 10.9.1.1',
    );
    client.signal('SIGCONT');
    await client.waitForLog(/WARN \d+ of the kernel's reports on the network were lost: looking anew/, { since });
    await client.waitForLog(/outer address is 10\.9\.1\.77 on inside now/, { since });
    await client.waitForLog(/the server answered/, { since });
    assert.doesNotMatch(server.log.slice(mark), /ERROR|FATAL/);
    assert.ok((await endpointOf(net.server))?.startsWith(NAT_OUTER));
    assert.ok(await answersPing(net.client, SERVER_INNER));
  });
});

describe('an error that nobody foresaw', () => {
  const scope = suiteScope();

  it('ends the daemon with one line that names the cause and the exit code, and with a stack only at -vvvv', async () => {
    const { b: ns } = await pairTopology(scope);
    const keys = makeKeys();
    const endings = [
      ['SIGWINCH', [], /FATAL the unforeseen happened: a mistake of ours .*1\b/],
      ['SIGURG', [], /FATAL nobody waited for this in two lines .*1\b/],
      ['SIGWINCH', ['-v'], /FATAL the unforeseen happened: a mistake of ours .*1\b/],
    ] as const;
    for (const [signal, args, said] of endings) {
      const server = await startServer(scope, ns, keys, { local: '@eth', args, env: preload('broken') });
      const since = server.mark();
      const { code } = await server.kill(signal);
      assert.equal(code, 1, server.log);
      const lines = server.log.slice(since).trim().split('\n');
      assert.match(lines[0] ?? '', said);
      if (args.length === 0) assert.equal(lines.length, 1, server.log);
      else assert.match(lines.slice(1).join('\n'), /DEBUG +at .*broken\.mjs/);
    }
    // What they left is taken over, and goes with a clean stop.
    const server = await startServer(scope, ns, keys, { local: '@eth' });
    assert.equal((await server.kill('SIGTERM')).code, 0, server.log);
    assert.equal((await exec(['ip', 'netns', 'exec', ns.name, 'nft', 'list', 'ruleset'])).stdout, '');
  });
});
