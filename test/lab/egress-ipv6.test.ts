import assert from 'node:assert/strict';
import { before, describe, it } from 'mocha';
import { answersPing, suiteScope, waitUntil } from './support/index.js';
import { CLIENT_INNER6, SERVER_INNER6 } from './support/suites/ipv6.js';
import { natTunnel, type NatTunnel } from './support/tunnel.js';

const SERVER_WAN6 = '2001:db8:f::2';
const INTERNET = '2001:db8:f::1';
const POOL = '2001:db8:5::/64';
const CONNECTIONS = 4;

/** The stranger of the topology is the internet here, to which the pool is routed back. */
describe('IPv6 that leaves by --egress', () => {
  const scope = suiteScope();
  let tunnel: NatTunnel;

  before(async () => {
    const egress = ['--egress', `rotate addresses=${POOL} per=connection`, '--ip-forward'];
    tunnel = await natTunnel(
      scope,
      { args: ['--tunl-ip6', SERVER_INNER6, ...egress] },
      { args: ['--tunl-ip6', CLIENT_INNER6, '--route', '::/0'] },
    );
    const { server, stranger } = tunnel.net;
    await server.ip(`address add ${SERVER_WAN6}/64 dev wan nodad`);
    await stranger.ip(`address add ${INTERNET}/64 dev wan nodad`, `route add ${POOL} via ${SERVER_WAN6}`);
    await stranger.nft(`
      table ip6 seen {
        set sources { type ipv6_addr; flags dynamic; size 100; }
        chain in {
          type filter hook input priority 0
          icmpv6 type echo-request update @sources { ip6 saddr }
        }
      }`);
  });

  const seen = async (): Promise<string[]> =>
    [...(await tunnel.net.stranger.nftList('set ip6 seen sources')).matchAll(/[0-9a-f:]+::?[0-9a-f:]+/g)]
      .map(([address]) => address)
      .filter((address) => address !== INTERNET);

  it('has an address of the pool for each connection, and what comes back finds its way', async () => {
    for (let connection = 0; connection < CONNECTIONS; connection += 1) {
      assert.ok(await answersPing(tunnel.net.client, INTERNET), `connection ${connection}`);
    }
    const sources = await seen();
    assert.equal(new Set(sources).size, CONNECTIONS);
    for (const source of sources) assert.match(source, /^2001:db8:5:/);
  });

  it('does not leave with its inner address after a flush of the ruleset, with the daemon frozen', async () => {
    const { server, stranger, client } = tunnel.net;
    await stranger.exec(['nft', 'flush', 'set', 'ip6', 'seen', 'sources']);
    tunnel.server.signal('SIGSTOP');
    try {
      await server.exec(['nft', 'delete', 'table', 'inet', 'ipipou-0-egress']);
      assert.ok(!(await answersPing(client, INTERNET, 2)));
      // The tunnel itself still carries: what is missing is the address to leave with.
      assert.ok(await answersPing(client, SERVER_INNER6));
    } finally {
      tunnel.server.signal('SIGCONT');
    }
    assert.deepEqual(await seen(), []);
    // Until the table is repaired the server says that it is prohibited, by which a ping ends.
    await waitUntil(() => answersPing(client, INTERNET), { what: 'the repair' });
  });
});
