/** IPv6 in the tunnel: what either data plane keeps to. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'mocha';
import { answersPing, rawSender, Scope, startDaemon, startPing, waitUntil } from '../index.js';
import { echoRequests6 } from '../echo-requests.js';
import { innerPing6 } from '../ipv6.js';
import { checksumErrors, transfer } from '../transfer.js';
import {
  CLIENT_INNER,
  natTunnel,
  PORT,
  SERVER_INNER,
  serverArgs,
  startClient,
  stateDir,
  type NatTunnel,
} from '../tunnel.js';
import { NAT_OUTER, SERVER_OUTER } from '../wan.js';
import { SUITE_TIMEOUT_MS, type PlaneSuite } from './plane.js';

export const SERVER_INNER6 = 'fd00:5::1';
export const CLIENT_INNER6 = 'fd00:5::2';
/** Behind the client, and what is its own there. */
const BEHIND6 = 'fd00:77:0:8000::/49';
const BEHIND6_HOST = 'fd00:77:0:8000::1';
const BEHIND6_NEXT_TO = 'fd00:77:0:7fff::1';
/** More than a window, so that a path that swallows long packets is noticed. */
const NARROW_BYTES = 200_000;
const BEHIND4 = '198.51.100.0/24';
const BEHIND4_HOST = '198.51.100.1';

export interface Ipv6Suite extends PlaneSuite {
  /** Of a transfer in each direction. */
  readonly transferBytes: number;
}

export function describeIpv6({ plane, transferBytes, needs = [] }: Ipv6Suite): void {
  const args = ['--data-plane', plane];

  describe(`IPv6 in a tunnel of the ${plane} data plane`, function () {
    this.timeout(SUITE_TIMEOUT_MS);
    const scope = new Scope();
    let tunnel: NatTunnel;

    for (const need of needs) before(need);
    before(async function () {
      this.timeout(SUITE_TIMEOUT_MS);
      tunnel = await natTunnel(
        scope,
        { args: [...args, '--tunl-ip6', SERVER_INNER6, '--route', BEHIND6, '--route', BEHIND4] },
        { args: [...args, '--tunl-ip6', CLIENT_INNER6] },
      );
      await tunnel.net.client.ip(`addr add ${BEHIND6_HOST}/128 dev lo`, `addr add ${BEHIND4_HOST}/32 dev lo`);
    });
    after(() => scope.close());

    const works = async (what: string): Promise<void> => {
      const { client, server } = tunnel.net;
      assert.ok(await answersPing(client, SERVER_INNER6), `from the client, ${what}`);
      assert.ok(await answersPing(server, CLIENT_INNER6), `from the server, ${what}`);
    };

    it('is carried both ways beside IPv4, and nothing is lost', async () => {
      const { client, server } = tunnel.net;
      await works('at first');
      for (const [ns, to] of [
        [client, SERVER_INNER6],
        [server, CLIENT_INNER6],
        [client, SERVER_INNER],
        [server, CLIENT_INNER],
      ] as const) {
        const { lost, unanswered } = await startPing(scope, ns, to, { count: 20, intervalMs: 20 }).done();
        assert.deepEqual({ lost, unanswered }, { lost: [], unanswered: 0 }, to);
      }
    });

    it('has its addresses on the device, and no others', async () => {
      const [link] = (await tunnel.net.server.ipJson('-6 address show dev ipipou0')) as {
        addr_info: { local: string; address?: string; scope: string; tentative?: boolean }[];
      }[];
      assert.deepEqual(
        link?.addr_info.map(({ local, address, tentative }) => ({ local, address, tentative })),
        [{ local: SERVER_INNER6, address: CLIENT_INNER6, tentative: undefined }],
      );
    });

    it('is fragmented where it is too long, and put together again', async () => {
      assert.ok(await answersPing(tunnel.net.client, SERVER_INNER6, 60, ['-s', '4000']));
      assert.ok(await answersPing(tunnel.net.server, CLIENT_INNER6, 60, ['-s', '4000']));
    });

    it(`carries ${transferBytes / 1e6} MB each way bit for bit, and nobody sees a wrong checksum`, async () => {
      const { server, client } = tunnel.net;
      const ends = [
        { ns: server, address: SERVER_INNER6 },
        { ns: client, address: CLIENT_INNER6 },
      ] as const;
      await transfer(scope, ends[0], ends[1], transferBytes);
      await transfer(scope, ends[1], ends[0], transferBytes);
      for (const { ns } of ends) assert.deepEqual(await checksumErrors(ns), {});
    });

    it('comes from networks behind the peer that are named, and is led there; of IPv4 as well', async () => {
      const { server, client } = tunnel.net;
      for (const [there, here] of [
        [BEHIND6_HOST, SERVER_INNER6],
        [BEHIND4_HOST, SERVER_INNER],
      ] as const) {
        assert.ok(await answersPing(server, there), `to ${there}`);
        assert.ok(await answersPing(client, here, 60, ['-I', there]), `from ${there}`);
      }
    });

    it('comes from nowhere else, and its lengths do not lie', async () => {
      const { server, stranger } = tunnel.net;
      await tunnel.moveTo(40_011);
      const sender = rawSender(scope, stranger);
      const bound = `${NAT_OUTER}:40011`;
      const to = `${SERVER_OUTER}:${PORT}`;
      const good = innerPing6(CLIENT_INNER6, SERVER_INNER6);
      const bad = [
        ...[BEHIND6_NEXT_TO, SERVER_INNER6, 'fd00:5::3', 'fe80::1', 'ff02::1', '::', '::1', '2001:db8::1'].map(
          (source) => innerPing6(source, SERVER_INNER6),
        ),
        good.subarray(0, 39),
        good.subarray(0, 50),
        innerPing6(CLIENT_INNER6, SERVER_INNER6, { payloadLength: 17 }),
        good.subarray(0, 1),
      ];
      const before = await echoRequests6(server);
      for (let round = 0; round < 5; round += 1) {
        for (const payload of bad) sender.udp({ from: bound, to, payload });
        sender.udp({ from: `${NAT_OUTER}:40012`, to, payload: good });
        sender.udp({ from: `10.9.2.66:40011`, to, payload: good });
      }
      // The ones that may enter come behind all of them.
      sender.udp({ from: bound, to, payload: good });
      sender.udp({ from: bound, to, payload: innerPing6(BEHIND6_HOST, SERVER_INNER6) });
      await waitUntil(async () => (await echoRequests6(server)) >= before + 2, { what: 'the last packets' });
      assert.equal(await echoRequests6(server), before + 2);
    });

    it('follows the client to another port with the next packet', async () => {
      await tunnel.moveTo(40_013);
      await works('after a move');
      assert.ok(await answersPing(tunnel.net.client, SERVER_INNER));
    });

    for (const [name, commands, line] of [
      [
        'its address is deleted',
        [`address delete ${SERVER_INNER6} peer ${CLIENT_INNER6}/128 dev ipipou0`],
        /repaired: .*lost its address fd00:5::1/,
      ],
      ['the route to the peer is deleted', [`route delete ${CLIENT_INNER6}`], /repaired: the route to fd00:5::2/],
      [
        'a route behind the peer is deleted',
        [`route delete ${BEHIND6}`],
        /repaired: the route to fd00:77:0:8000::\/49/,
      ],
      [
        'an IPv4 route behind the peer is deleted',
        [`route delete ${BEHIND4}`],
        /repaired: the route to 198\.51\.100\.0/,
      ],
      ['the device is set down', ['link set ipipou0 down'], /repaired: the device ipipou0 is down/],
      ['the device is deleted', ['link delete ipipou0'], /repaired: the device ipipou0 is gone/],
      ['its MTU is changed', ['link set ipipou0 mtu 1300'], /repaired: .* an MTU of 1300 instead of 1472/],
    ] as const) {
      it(`goes on after ${name}`, async () => {
        const { server } = tunnel.net;
        const since = tunnel.server.mark();
        await server.ip(...commands);
        await tunnel.server.waitForLog(line, { since });
        await works(name);
        for (const there of [BEHIND6_HOST, BEHIND4_HOST]) assert.ok(await answersPing(server, there), `to ${there}`);
      });
    }

    it('passes a way that is narrower than its smallest packet, both ways', async () => {
      const { client, router, server } = tunnel.net;
      await router.ip('link set wan mtu 1280');
      await server.ip('link set wan mtu 1280');
      try {
        for (const [ns, to] of [
          [client, SERVER_INNER6],
          [server, CLIENT_INNER6],
        ] as const) {
          assert.ok(await answersPing(ns, to, 60, ['-s', '1232', '-M', 'do']), `1280 bytes to ${to}`);
        }
        for (const [from, to] of [
          [SERVER_INNER6, client],
          [SERVER_INNER, client],
        ] as const) {
          await transfer(scope, { ns: server, address: from }, { ns: to, address: '' }, NARROW_BYTES);
        }
      } finally {
        await router.ip('link set wan mtu 1500');
        await server.ip('link set wan mtu 1500');
      }
    });

    it('is refused at the start where the host has it switched off, in words that help', async () => {
      const { second } = tunnel.net;
      await second.sysctl({ 'net.ipv6.conf.all.disable_ipv6': 1 });
      const more = ['-n', '3', '-b', '@inside', '--tunl-ip6', SERVER_INNER6, '--state-dir', stateDir(scope)];
      const refused = startDaemon(scope, second, [...serverArgs(tunnel.keys, ...more), ...args]);
      assert.deepEqual(await refused.exit, { code: 51, signal: null });
      assert.match(refused.log, /FATAL this host has IPv6 switched off, .* fd00:5::1: sysctl -w /);
    });

    it('is nothing to a client that has none of it, which goes on as before', async () => {
      const { net, server, client } = tunnel;
      await client.kill('SIGTERM');
      const since = server.mark();
      const plain = await startClient(scope, net.client, tunnel.keys, `${SERVER_OUTER}:${PORT}`, { args });
      assert.ok(await answersPing(net.client, SERVER_INNER));
      assert.ok(await answersPing(net.server, CLIENT_INNER));
      assert.ok(!(await answersPing(net.server, CLIENT_INNER6, 1)));
      assert.doesNotMatch(server.log.slice(since), / ERROR /);
      await plain.kill('SIGTERM');
    });
  });
}
