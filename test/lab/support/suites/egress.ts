/** Traffic that leaves a server by `--egress`, whatever carries the tunnel. */
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { before, describe, it } from 'mocha';
import { answersPing, suiteScope, waitUntil } from '../index.js';
import { CLIENT_INNER, natTunnel, SERVER_INNER, type NatTunnel } from '../tunnel.js';
import { SERVER_OUTER } from '../wan.js';
import { CLIENT_INNER6, SERVER_INNER6 } from './ipv6.js';
import { SUITE_TIMEOUT_MS, type PlaneSuite } from './plane.js';

/** Patience of a ping whose answer is due at once. */
const SECONDS = 10;
const CONNECTIONS = 4;
const SERVER_WAN6 = '2001:db8:f::2';

/** The stranger of the topology is the internet, to which the pools are routed back. */
const VERSIONS = [
  {
    version: 'IPv4',
    internet: '198.18.0.1',
    pool: '198.51.100.0/24',
    isOfPool: /^198\.51\.100\.\d+$/,
    server: SERVER_INNER,
  },
  {
    version: 'IPv6',
    internet: '2001:db8:f::1',
    pool: '2001:db8:5::/64',
    isOfPool: /^2001:db8:5:/,
    server: SERVER_INNER6,
  },
] as const;
const [V4, V6] = VERSIONS;

export function describeEgress({ plane, needs = [] }: PlaneSuite): void {
  describe(`a server with --egress (${plane})`, function () {
    this.timeout(SUITE_TIMEOUT_MS);
    for (const need of needs) before(need);
    const scope = suiteScope();
    let tunnel: NatTunnel;

    before(async () => {
      const both = ['--data-plane', plane];
      const egress = ['--egress', `rotate addresses=${V4.pool},${V6.pool} per=connection`, '--ip-forward'];
      tunnel = await natTunnel(
        scope,
        { args: [...both, '--tunl-ip6', SERVER_INNER6, ...egress] },
        { args: [...both, '--tunl-ip6', CLIENT_INNER6, '--route', '::/0', '--route', `${V4.internet}/32`] },
      );
      const { server, stranger } = tunnel.net;
      await server.ip(`address add ${SERVER_WAN6}/64 dev wan nodad`, `route add ${V4.internet}/32 dev wan`);
      await stranger.ip(
        `address add ${V4.internet}/32 dev wan`,
        `address add ${V6.internet}/64 dev wan nodad`,
        `route add ${V4.pool} via ${SERVER_OUTER}`,
        `route add ${V6.pool} via ${SERVER_WAN6}`,
      );
      // An administrator's own: rules without a priority that lead what comes out of the tunnel, marks that replace ours on
      // IPv4, and on what carries IPv6 one that is like ours.
      await server.ip(
        `route add ${V4.internet}/32 dev wan table 100`,
        `route add ${V6.internet}/128 dev wan table 100`,
      );
      await server.exec(['ip', '-4', 'rule', 'add', 'from', CLIENT_INNER, 'lookup', '100']);
      await server.exec(['ip', '-6', 'rule', 'add', 'from', CLIENT_INNER6, 'lookup', '100']);
      await server.nft(`
        table inet own {
          chain marks { type filter hook prerouting priority mangle; iifname "ipipou0" meta nfproto ipv4 meta mark set 1; }
          chain wire { type filter hook prerouting priority mangle; iifname "wan" meta mark set 0x10000000; }
        }`);
      await stranger.nft(`
        table inet seen {
          set ipv4 { type ipv4_addr; flags dynamic; size 100; }
          set ipv6 { type ipv6_addr; flags dynamic; size 100; }
          chain in {
            type filter hook prerouting priority 0
            icmp type echo-request ip daddr ${V4.internet} update @ipv4 { ip saddr }
            icmpv6 type echo-request update @ipv6 { ip6 saddr }
          }
        }`);
    });

    it('sends what it has wrapped up from its own address, also where that is the first of its connection', async () => {
      const { server } = tunnel.net;
      for (let round = 0; round < 3; round += 1) {
        // Nothing comes from the client by itself: the next packet that connection tracking sees is the tunnel's.
        await server.exec(['conntrack', '-F']);
        assert.ok(await answersPing(server, CLIENT_INNER, SECONDS), `round ${round}`);
      }
      const { stdout } = await server.exec(['conntrack', '-L', '-p', 'udp']);
      assert.doesNotMatch(stdout, /198\.51\.100\./);
    });

    for (const { version, internet, isOfPool, server: inner } of VERSIONS) {
      const set = `set inet seen ${version.toLowerCase()}`;
      /** The addresses that the internet has seen since it was last asked. */
      const seen = async (): Promise<string[]> => {
        const { stranger } = tunnel.net;
        const [, elements = ''] = /elements = \{([^}]*)\}/.exec(await stranger.nftList(set)) ?? [];
        await stranger.exec(['nft', 'flush', ...set.split(' ')]);
        return elements.split(',').flatMap((element) => element.trim() || []);
      };

      it(`gives each connection of ${version} an address of the pool, and what comes back finds its way`, async () => {
        for (let connection = 0; connection < CONNECTIONS; connection += 1) {
          assert.ok(await answersPing(tunnel.net.client, internet, SECONDS), `connection ${connection}`);
        }
        const sources = await seen();
        assert.equal(sources.length, CONNECTIONS, sources.join());
        for (const source of sources) assert.match(source, isOfPool);
      });

      it(`lets no ${version} leave with its inner address when its table is deleted under traffic`, async () => {
        const { client, server } = tunnel.net;
        const pings = client.exec(['ping', '-q', '-c', '200', '-i', '0.01', '-W', '1', internet], { mayFail: true });
        // Connection tracking goes on with what it knows, and without the table it translates nothing any more.
        await sleep(500);
        await server.exec(['nft', 'delete', 'table', 'inet', 'ipipou-0-egress']);
        const { stdout } = await pings;
        const received = Number(/, (\d+) received/.exec(stdout)?.[1]);
        assert.ok(received > 20, stdout);
        const sources = await seen();
        assert.notDeepEqual(sources, []);
        for (const source of sources) assert.match(source, isOfPool);
      });

      if (version === 'IPv4') {
        it('is shut before its device comes up, also when that is made anew', async () => {
          const { client, server } = tunnel.net;
          const since = tunnel.server.mark();
          await server.ip('link delete ipipou0');
          const { index: up } = await tunnel.server.waitForLog(/ip link set dev ipipou0 up/, { since });
          await waitUntil(() => answersPing(client, internet, SECONDS), { what: 'the repair' });
          const log = tunnel.server.log.slice(since);
          const shut = log.indexOf('tc filter add dev ipipou0 ingress');
          // Where the kernel has no such filters: a routing rule needs no device, and has stayed.
          if (shut < 0) assert.match((await server.exec(['ip', 'rule'])).stdout, /iif ipipou0 .*prohibit/);
          else assert.ok(shut < up, log);
          assert.doesNotMatch(log, /what shuts the tunnel without its egress was gone/);
          await seen();
        });
      }

      if (version === 'IPv4') {
        it('is shut again when somebody takes away what shuts it', async () => {
          const { server } = tunnel.net;
          const since = tunnel.server.mark();
          const hook = ['tc', 'qdisc', 'del', 'dev', 'ipipou0', 'clsact'];
          const isFilter = (await server.exec(hook, { mayFail: true })).code === 0;
          if (!isFilter) await server.exec(['ip', 'rule', 'del', 'iif', 'ipipou0', 'prohibit']);
          await tunnel.server.waitForLog(/what shuts the tunnel without its egress was gone: repaired/, { since });
          const show = isFilter ? ['tc', 'filter', 'show', 'dev', 'ipipou0', 'ingress'] : ['ip', 'rule'];
          const { stdout } = await server.exec(show);
          assert.match(stdout, isFilter ? /skbedit +ptype broadcast/ : /iif ipipou0 .*prohibit/);
        });
      }

      // In userspace a server that is frozen carries nothing.
      if (plane === 'kernel') {
        it(`lets no ${version} leave while its table is gone and it is frozen, and answers as itself`, async () => {
          const { client, server } = tunnel.net;
          tunnel.server.signal('SIGSTOP');
          try {
            await server.exec(['nft', 'delete', 'table', 'inet', 'ipipou-0-egress']);
            assert.ok(!(await answersPing(client, internet, 2)));
            assert.ok(await answersPing(client, inner, SECONDS));
            assert.deepEqual(await seen(), []);
          } finally {
            tunnel.server.signal('SIGCONT');
          }
          // Until the table is repaired the server says that it is prohibited, by which a ping ends.
          await waitUntil(() => answersPing(client, internet, SECONDS), { what: 'the repair' });
        });
      }
    }
  });
}
