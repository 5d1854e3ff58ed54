import assert from 'node:assert/strict';
import { before, describe, it } from 'mocha';
import {
  innerPing,
  natTunnel,
  PORT,
  receivedPackets,
  endpointOf,
  SERVER_INNER,
  CLIENT_INNER,
} from './support/tunnel.js';
import type { NatTunnel } from './support/tunnel.js';
import { answersPing, makeNatRouter, rawSender, startPing, suiteScope, waitUntil } from './support/index.js';

/**
 *     client 10.9.1.2 ── [ NAT 10.9.2.1 ] ── switch ── server 10.9.2.2
 */
describe('a tunnel through a masquerading NAT', () => {
  const scope = suiteScope();
  let tunnel: NatTunnel;

  const pointsTo = (endpoint: string): Promise<unknown> =>
    waitUntil(async () => (await endpointOf(tunnel.net.server)) === endpoint, { what: `the tunnel at ${endpoint}` });

  before(async () => {
    tunnel = await natTunnel(scope);
  });

  it('is up with a source port that the NAT has changed', async () => {
    const { net, client } = tunnel;
    await makeNatRouter(net.router, 'wan', 40_001);
    client.signal('SIGUSR1');
    await pointsTo('10.9.2.1:40001');
  });

  it('carries pings both ways', async () => {
    const { net } = tunnel;
    for (const [ns, to] of [
      [net.client, SERVER_INNER],
      [net.server, CLIENT_INNER],
    ] as const) {
      const { lost, unanswered } = await startPing(scope, ns, to, { count: 20, intervalMs: 20 }).done();
      assert.deepEqual({ lost, unanswered }, { lost: [], unanswered: 0 });
    }
  });

  it('follows to another port, and shuts the old endpoint out from the next packet on', async () => {
    const { net, client } = tunnel;
    const sender = rawSender(scope, net.stranger);
    const ping = innerPing(CLIENT_INNER, SERVER_INNER, 77, 1);
    const fromOld = { from: '10.9.2.1:40001', to: `10.9.2.2:${PORT}`, payload: ping };
    const before = await receivedPackets(net.server);
    sender.udp(fromOld);
    await waitUntil(async () => (await receivedPackets(net.server)) > before, {
      what: 'a packet of the bound endpoint',
    });

    await makeNatRouter(net.router, 'wan', 40_002);
    client.signal('SIGUSR1');
    await pointsTo('10.9.2.1:40002');
    assert.ok(await answersPing(net.server, CLIENT_INNER));
    const after = await receivedPackets(net.server);
    for (let index = 0; index < 20; index++) sender.udp(fromOld);
    sender.udp({ ...fromOld, from: '10.9.2.1:40002' });
    await waitUntil(async () => (await receivedPackets(net.server)) > after, { what: 'a packet of the new endpoint' });
    assert.equal(await receivedPackets(net.server), after + 1);
  });

  it('follows back to an endpoint it had before', async () => {
    const { net, client } = tunnel;
    await makeNatRouter(net.router, 'wan', 40_001);
    client.signal('SIGUSR1');
    await pointsTo('10.9.2.1:40001');
    assert.ok(await answersPing(net.server, CLIENT_INNER));
  });

  it('follows to another public address', async () => {
    const { net, client } = tunnel;
    await net.router.ip('addr del 10.9.2.1/24 dev wan', 'addr add 10.9.2.99/24 dev wan');
    await makeNatRouter(net.router, 'wan', 40_003);
    client.signal('SIGUSR1');
    await pointsTo('10.9.2.99:40003');
    assert.ok(await answersPing(net.client, SERVER_INNER));
    assert.ok(await answersPing(net.server, CLIENT_INNER));
  });

  it("follows by itself when the client's own address changes", async () => {
    const { net, client, server } = tunnel;
    const marks = [client.mark(), server.mark()] as const;
    await net.client.ip(
      'addr del 10.9.1.2/24 dev inside',
      'addr add 10.9.1.55/24 dev inside',
      'route add default via 10.9.1.1',
    );
    await makeNatRouter(net.router, 'wan', 40_004);
    await client.waitForLog(/the server answered/, { since: marks[0] });
    await server.waitForLog(/client moved from/, { since: marks[1] });
    assert.ok(await answersPing(net.client, SERVER_INNER));
  });

  it('follows by itself into a network that gives the client the same address', async () => {
    const { net, client, server } = tunnel;
    const marks = [client.mark(), server.mark()] as const;
    await net.router.ip('addr add 10.9.1.254/24 dev lan');
    await makeNatRouter(net.router, 'wan', 40_005);
    await net.client.ip('route replace default via 10.9.1.254');
    await client.waitForLog(/the server answered/, { since: marks[0] });
    await server.waitForLog(/client moved from \S+:40004 to \S+:40005/, { since: marks[1] });
    assert.ok(await answersPing(net.client, SERVER_INNER));
  });

  it('leaves nothing behind when it is stopped, on either side', async () => {
    const { net, client, server } = tunnel;
    for (const [daemon, ns] of [
      [client, net.client],
      [server, net.server],
    ] as const) {
      const { code } = await daemon.kill('SIGTERM');
      assert.equal(code, 0, daemon.log);
      assert.equal((await ns.nftList()).trim(), '');
      assert.deepEqual(await ns.ipJson('fou show'), []);
      const links = (await ns.ipJson('link show')) as { ifname: string }[];
      assert.deepEqual(
        links.map(({ ifname }) => ifname).filter((name) => name.startsWith('ipipou')),
        [],
      );
      assert.equal((await ns.exec(['ip', 'route', 'show', 'table', 'all'])).stdout.includes('172.2'), false);
    }
  });
});
