import assert from 'node:assert/strict';
import { before, describe, it } from 'mocha';
import { barrier, rawSender, suiteScope, waitUntil, type RawSender } from './support/index.js';
import {
  CLIENT_INNER,
  endpointOf,
  innerPing,
  natTunnel,
  PORT,
  receivedPackets,
  SERVER_INNER,
  type NatTunnel,
} from './support/tunnel.js';
import { describeFromInside } from './support/suites/from-inside.js';
import { SERVER_OUTER, STRANGER_OUTER } from './support/wan.js';

/** The server's internal outer address, as the default numbering has it. */
const INTERNAL = '172.29.0.0';
const REPEATS = 10;

describeFromInside({ plane: 'kernel' });

describe('the way into a tunnel', () => {
  const scope = suiteScope();
  let tunnel: NatTunnel;
  let stranger: RawSender;
  let bound: string;
  const inner = innerPing(CLIENT_INNER, SERVER_INNER, 7, 1);

  /** How many of the packets came out of the tunnel device. */
  async function entering(packets: readonly { from: string; to: string }[]): Promise<number> {
    const start = await receivedPackets(tunnel.net.server);
    for (const packet of packets) {
      for (let index = 0; index < REPEATS; index++) stranger.udp({ ...packet, payload: inner });
    }
    // Packets of one cable don't overtake each other: once this is answered, the others have been dealt with.
    await barrier(tunnel.net.stranger, SERVER_OUTER);
    return (await receivedPackets(tunnel.net.server)) - start;
  }

  const forged = (): { from: string; to: string }[] => {
    const [address = '', port = ''] = bound.split(':');
    return [
      // Endpoints that are bound to nobody.
      { from: `${STRANGER_OUTER}:${PORT}`, to: `${SERVER_OUTER}:${PORT}` },
      { from: `${STRANGER_OUTER}:${port}`, to: `${SERVER_OUTER}:${PORT}` },
      // The client's address, another port.
      { from: `${address}:${Number(port) + 1}`, to: `${SERVER_OUTER}:${PORT}` },
      { from: `${address}:1`, to: `${SERVER_OUTER}:${PORT}` },
      // Other spoofed sources: the server's own addresses, the internal one, loopback.
      { from: `${SERVER_OUTER}:${PORT}`, to: `${SERVER_OUTER}:${PORT}` },
      { from: `${INTERNAL}:${PORT}`, to: `${SERVER_OUTER}:${PORT}` },
      { from: `127.0.0.1:${PORT}`, to: `${SERVER_OUTER}:${PORT}` },
      // The right source, to another port or address.
      { from: bound, to: `${SERVER_OUTER}:${PORT + 1}` },
      { from: bound, to: `${INTERNAL}:${PORT}` },
      { from: bound, to: `${SERVER_INNER}:${PORT}` },
      { from: `${STRANGER_OUTER}:${PORT}`, to: `${INTERNAL}:${PORT}` },
    ];
  };

  before(async () => {
    // By address alone: with a device named the rules would look at less.
    tunnel = await natTunnel(scope, { local: SERVER_OUTER });
    stranger = rawSender(scope, tunnel.net.stranger);
    // A neighbour on the cable can hand us packets for any address.
    await tunnel.net.stranger.ip(`route add 172.28.0.0/15 via ${SERVER_OUTER}`);
    bound = (await endpointOf(tunnel.net.server)) ?? '';
  });

  it('is open to the bound endpoint (or the tests below would prove nothing)', async () => {
    assert.equal(await entering([{ from: bound, to: `${SERVER_OUTER}:${PORT}` }]), REPEATS);
  });

  it('is closed to unbound endpoints, wrong ports, spoofed sources and packets to the internal address', async () => {
    assert.equal(await entering(forged()), 0);
  });

  it('is as closed on a host that forwards', async () => {
    await tunnel.net.server.sysctl({ 'net.ipv4.ip_forward': 1, 'net.ipv4.conf.all.rp_filter': 0 });
    assert.equal(await entering(forged()), 0);
  });

  it('is as closed while somebody has the internal device up and its address routed', async () => {
    const { server } = tunnel.net;
    // Frozen, or it would undo this before the packets are there.
    tunnel.server.signal('SIGSTOP');
    try {
      await server.ip('link set ipipou0in up', `route replace local ${INTERNAL} dev ipipou0in table local`);
      assert.equal(await entering(forged()), 0);
      assert.match(
        (await server.exec(['ip', 'route', 'show', 'table', 'local'])).stdout,
        /172\.29\.0\.0 dev ipipou0in/,
      );
    } finally {
      tunnel.server.signal('SIGCONT');
    }
    const isShut = async (): Promise<boolean> =>
      !(await server.exec(['ip', 'route', 'show', 'table', 'local'])).stdout.includes(INTERNAL);
    await waitUntil(isShut, { what: 'the repair of the internal address' });
  });

  it('is closed to everybody, the bound endpoint too, after a flush of the ruleset with the daemon frozen', async () => {
    tunnel.server.signal('SIGSTOP');
    try {
      await tunnel.net.server.exec(['nft', 'flush', 'ruleset']);
      assert.equal(await entering([...forged(), { from: bound, to: `${SERVER_OUTER}:${PORT}` }]), 0);
    } finally {
      tunnel.server.signal('SIGCONT');
    }
  });
});
