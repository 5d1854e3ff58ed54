import assert from 'node:assert/strict';
import { before, describe, it } from 'mocha';
import { barrier, rawSender, suiteScope, type RawSender } from './support/index.js';
import {
  CLIENT_INNER,
  endpointOf,
  innerPing,
  natTunnel,
  PORT,
  SERVER_INNER,
  type NatTunnel,
} from './support/tunnel.js';
import { SERVER_OUTER } from './support/wan.js';

const REPEATS = 10;
/** None of them is routed into the tunnel: a stranger's, the server's own, a neighbour's, loopback, a group. */
const FOREIGN = ['198.51.100.9', SERVER_INNER, SERVER_OUTER, '10.9.2.1', '127.0.0.1', '0.0.0.0', '224.0.0.1'];

describe('inner packets of a bound client', () => {
  const scope = suiteScope();
  let tunnel: NatTunnel;
  let sender: RawSender;
  let bound = '';

  before(async () => {
    tunnel = await natTunnel(scope);
    sender = rawSender(scope, tunnel.net.stranger);
    bound = (await endpointOf(tunnel.net.server)) ?? '';
    // Counts what gets past the tunnel's own filter, which stands at priority -300.
    await tunnel.net.server.nft(`
      table ip probe {
        counter entered { }
        chain past-the-filter {
          type filter hook prerouting priority -250
          iifname "ipipou0" counter name entered
        }
      }`);
  });

  async function entering(sources: readonly string[]): Promise<number> {
    const { server, stranger } = tunnel.net;
    await server.exec(['nft', 'reset', 'counters', 'table', 'ip', 'probe']);
    for (const source of sources) {
      for (let index = 0; index < REPEATS; index++) {
        const payload = innerPing(source, SERVER_INNER, 9, index);
        sender.udp({ from: bound, to: `${SERVER_OUTER}:${PORT}`, payload });
      }
    }
    await barrier(stranger, SERVER_OUTER);
    return Number(/packets (\d+)/.exec(await server.nftList('counters table ip probe'))?.[1]);
  }

  it("enter with the client's own address", async () => {
    assert.equal(await entering([CLIENT_INNER]), REPEATS);
  });

  for (const all of [0, 1, 2]) {
    for (const own of [0, 1, 2]) {
      it(`don't enter with foreign sources where rp_filter is ${all} for all and ${own} for the device`, async () => {
        await tunnel.net.server.sysctl({
          'net.ipv4.conf.all.rp_filter': all,
          'net.ipv4.conf.ipipou0.rp_filter': own,
        });
        assert.equal(await entering(FOREIGN), 0);
      });
    }
  }

  it('enter from a network that is routed into the tunnel', async () => {
    await tunnel.net.server.ip('route add 198.51.100.0/24 dev ipipou0');
    assert.equal(await entering(['198.51.100.9']), REPEATS);
  });
});
