import assert from 'node:assert/strict';
import { before, describe, it } from 'mocha';
import { answersPing, barrier, rawSender, startPing, suiteScope, waitUntil, type RawSender } from './support/index.js';
import { echoRequests } from './support/echo-requests.js';
import { ipipou } from './support/daemon.js';
import { innerPing6 } from './support/ipv6.js';
import { CLIENT_INNER6, describeIpv6, SERVER_INNER6 } from './support/suites/ipv6.js';
import {
  endpointOf,
  innerPing,
  natTunnel,
  PORT,
  serverArgs,
  startServer,
  stateDir,
  type NatTunnel,
} from './support/tunnel.js';
import { CLIENT_OUTER, SERVER_OUTER, STRANGER_OUTER } from './support/wan.js';

describeIpv6({ plane: 'kernel', transferBytes: 1_000_000 });

const INTERNAL = '172.29.0.0';
const ICMP = 1;
const IPPROTO_IPIP = 4;
const ICMPV6 = 58;
const args = ['--data-plane', 'kernel'];
const server = { args: [...args, '--tunl-ip6', SERVER_INNER6] };
const client = { args: [...args, '--tunl-ip6', CLIENT_INNER6] };

/** Version 0, no options: what follows is a packet of that protocol (draft-ietf-intarea-gue, section 3.1). */
const gue = (protocol: number, payload: Uint8Array): Buffer =>
  Buffer.concat([Buffer.of(0, protocol, 0, 0), Buffer.from(payload)]);

describe('the listener of a tunnel with IPv6', () => {
  const scope = suiteScope();
  let tunnel: NatTunnel;
  let stranger: RawSender;
  let bound = '';
  /** What a header of GUE would bring in: pings to the server's own address, bare and in another packet. */
  const ping = innerPing(STRANGER_OUTER, SERVER_OUTER, 5, 1);
  const packets = [
    gue(ICMP, ping.subarray(20)),
    gue(IPPROTO_IPIP, ping),
    gue(ICMPV6, innerPing6(CLIENT_INNER6, SERVER_INNER6).subarray(40)),
  ];

  before(async () => {
    tunnel = await natTunnel(scope, server, client);
    stranger = rawSender(scope, tunnel.net.stranger);
    await tunnel.net.stranger.ip(`route add 172.28.0.0/15 via ${SERVER_OUTER}`);
    bound = (await endpointOf(tunnel.net.server)) ?? '';
  });

  const ownPings = (): Promise<number> => echoRequests(tunnel.net.server);
  /** How many pings the server got that are not the barrier's own. */
  async function entering(froms: readonly string[], tos: readonly string[]): Promise<number> {
    const start = await ownPings();
    for (const from of froms) {
      for (const to of tos) for (const payload of packets) stranger.udp({ from, to, payload });
    }
    await barrier(tunnel.net.stranger, SERVER_OUTER);
    return (await ownPings()) - start - 1;
  }
  const froms = (): string[] => [`${STRANGER_OUTER}:${PORT}`, bound];
  const tos = [`${SERVER_OUTER}:${PORT}`, `${INTERNAL}:${PORT}`];

  it('would take them where it heard every address (or the tests below would prove nothing)', async () => {
    const { server: host } = tunnel.net;
    await host.exec(['ip', 'fou', 'add', 'port', '12000', 'gue']);
    try {
      const start = await ownPings();
      stranger.udp({ from: `${STRANGER_OUTER}:9`, to: `${SERVER_OUTER}:12000`, payload: gue(ICMP, ping.subarray(20)) });
      await waitUntil(async () => (await ownPings()) > start, { what: 'a ping out of GUE' });
    } finally {
      await host.exec(['ip', 'fou', 'del', 'port', '12000']);
    }
  });

  it('takes no header of GUE from anybody, the bound endpoint included', async () => {
    assert.equal(await entering(froms(), tos), 0);
    const { stdout } = await tunnel.net.server.exec(['ip', 'fou', 'show']);
    assert.match(stdout, /port 10000 gue local 172\.29\.0\.0/);
  });

  it('takes none after a flush of the ruleset either, with the daemon frozen', async () => {
    tunnel.server.signal('SIGSTOP');
    try {
      await tunnel.net.server.exec(['nft', 'flush', 'ruleset']);
      assert.equal(await entering(froms(), tos), 0);
    } finally {
      tunnel.server.signal('SIGCONT');
    }
    await waitUntil(() => answersPing(tunnel.net.client, SERVER_INNER6, 1), { what: 'the repaired tunnel' });
  });

  it('is put back when somebody removes it, and nobody can address it meanwhile', async () => {
    const { server: host } = tunnel.net;
    const since = tunnel.server.mark();
    await host.exec(['ip', 'fou', 'del', 'port', String(PORT), 'local', INTERNAL]);
    // What arrives for it tells that it is gone.
    await answersPing(tunnel.net.client, SERVER_INNER6, 2);
    await tunnel.server.waitForLog(/repaired: the FOU listener on UDP port 10000 is gone/, { since });
    assert.ok(await answersPing(tunnel.net.client, SERVER_INNER6));
    const { stdout } = await host.exec(['ip', 'route', 'show', 'table', 'local']);
    assert.doesNotMatch(stdout, /172\.29\.0\.0/);
    assert.equal(await entering(froms(), tos), 0);
  });

  it('is taken over with the rest after kill -9, and no ping is lost', async () => {
    const pings = startPing(scope, tunnel.net.client, SERVER_INNER6, { intervalMs: 20 });
    await tunnel.server.kill('SIGKILL');
    await tunnel.startServerAgain();
    assert.match(tunnel.server.log, /taken over, bound to/);
    const { lost, received } = await pings.stop();
    assert.deepEqual(lost, []);
    assert.ok(received.length > 10);
  });

  it('gives way to one without IPv6, and comes back, as the options have it from start to start', async () => {
    const { net, keys } = tunnel;
    const fou = async (): Promise<string[]> => {
      const { stdout } = await net.server.exec(['ip', 'fou', 'show']);
      return stdout
        .split('\n')
        .map((line) => line.trim())
        .filter(Boolean)
        .sort();
    };
    const kind = async (): Promise<string | undefined> => {
      const [link] = (await net.server.ipJson('-d link show ipipou0')) as { linkinfo: { info_kind: string } }[];
      return link?.linkinfo.info_kind;
    };
    assert.equal(await kind(), 'sit');
    await tunnel.server.kill('SIGKILL');
    const plain = await startServer(scope, net.server, keys, { args });
    assert.deepEqual([await fou(), await kind()], [['port 10000 ipproto 4'], 'ipip']);
    await plain.kill('SIGKILL');
    const both = await startServer(scope, net.server, keys, server);
    assert.deepEqual(
      [await fou(), await kind()],
      [[`port 10000 gue local ${INTERNAL}`, `port 10000 ipproto 4 local ${SERVER_OUTER}`], 'sit'],
    );
    await both.kill('SIGTERM');
    assert.deepEqual(await fou(), []);
    assert.deepEqual((await net.server.exec(['ip', 'link', 'show', 'ipipou0'], { mayFail: true })).code, 1);
  });

  it("is known for the tunnel's own by doctor, also where the first internal address was taken", async () => {
    const { net, keys } = tunnel;
    await net.server.ip(`address add ${INTERNAL}/32 dev lo`);
    const daemon = await startServer(scope, net.server, keys, server);
    const asServer = serverArgs(keys, '-b', '@wan', '--state-dir', stateDir(scope), ...server.args);
    const { stdout } = await net.server.exec(ipipou(['doctor', '--json', ...asServer]), { mayFail: true });
    const { findings } = JSON.parse(stdout) as { findings: { id: string; status: string; found: string }[] };
    const found = (id: string): unknown => findings.find((one) => one.id === id);
    assert.match((await net.server.exec(['ip', 'fou', 'show'])).stdout, /gue local 172\.29\.0\.1/);
    assert.equal((found('port') as { status: string }).status, 'ok', stdout);
    assert.equal(found('gue-listeners'), undefined);
    await daemon.kill('SIGTERM');
  });

  it('of a client is as closed to its neighbours', async () => {
    const { net } = tunnel;
    const near = rawSender(scope, net.second);
    await net.second.ip(`route add 172.28.0.0/15 via ${CLIENT_OUTER}`);
    const before = await echoRequests(net.client);
    for (const to of [`${CLIENT_OUTER}:${PORT}`, `${INTERNAL}:${PORT}`, '172.29.0.1:10000']) {
      for (const from of [`${SERVER_OUTER}:${PORT}`, '10.9.1.3:10000']) {
        near.udp({ from, to, payload: gue(ICMP, innerPing('10.9.1.3', CLIENT_OUTER, 5, 1).subarray(20)) });
      }
    }
    await barrier(net.second, CLIENT_OUTER);
    assert.equal((await echoRequests(net.client)) - before, 1);
  });
});
