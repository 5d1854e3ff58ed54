/** Whole servers at their start, on the host. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'mocha';
import { Scope, startDaemon, type Namespace, type Running } from '../lab/support/index.js';
import { namespaces, veth } from '../lab/support/namespace.js';
import { stateDir } from '../lab/support/tunnel.js';
import { needsBuild } from '../support/built.js';
import { needsRoot } from '../support/skip.js';

describe('a server whose traffic leaves from pools', function () {
  this.timeout(60_000);
  const scope = new Scope();
  let server: Namespace;
  let router: Namespace;

  before(needsRoot);
  before(needsBuild);
  before(async () => {
    [server, router] = await namespaces(scope, 'server', 'router');
    await veth(
      { ns: server, device: 'wan', address: '10.9.4.2/24' },
      { ns: router, device: 'lan', address: '10.9.4.1/24' },
    );
    await server.ip('route add default via 10.9.4.1');
    await router.sysctl({ 'net.ipv4.ip_forward': 1 });
    await router.ip('route add 198.51.100.0/25 via 10.9.4.2');
    await server.ip('address add fd04::2/64 dev wan nodad', 'route add default via fd04::1');
    await router.ip('address add fd04::1/64 dev lan nodad', 'route add 2001:db8:1::/64 via fd04::2');
    await router.sysctl({ 'net.ipv6.conf.all.forwarding': 1 });
    await server.ip('route add unreachable 2001:db8:3::/64', 'route add local 2001:db8:4::/64 dev lo');
  });
  after(() => scope.close());

  const start = async (...policies: string[]): Promise<Running> => {
    const state = stateDir(scope);
    const egress = policies.flatMap((policy) => ['--egress', policy]);
    const args = ['-s', '-vvv', '--no-log-pid', '--no-log-time', '--auth-token', 'abc', ...egress, '--ip-forward'];
    const daemon = startDaemon(scope, server, args, { STATE_DIRECTORY: state, RUNTIME_DIRECTORY: state });
    await daemon.waitForLog(/server ready/);
    return daemon;
  };

  it('says at its start of which of them nothing comes back, why, and what to do', async () => {
    const daemon = await start(
      'rotate addresses=198.51.100.0/25 protocols=tcp',
      'rotate addresses=198.51.100.128/25 protocols=udp',
      'rotate addresses=10.9.4.64/26 protocols=icmp',
    );
    await daemon.waitForLog(/DEBUG egress: a packet sent to 198\.51\.100\.\d+ came back$/m);
    await daemon.waitForLog(
      /WARN egress: what is sent to 198\.51\.100\.129-198\.51\.100\.254 may not come back: .* by way of 10\.9\.4\.1 did not come back; have the pool routed/,
    );
    await daemon.waitForLog(
      /ERROR egress: what is sent to 10\.9\.4\.65-10\.9\.4\.126 does not come back: .* the link of wan, .*--egress-announce wan/,
    );
    assert.deepEqual(await daemon.kill(), { code: 0, signal: null });
  });

  it('says the same of pools of IPv6', async () => {
    const daemon = await start(
      'rotate addresses=2001:db8:1::/64 protocols=tcp',
      'rotate addresses=2001:db8:2::/64 protocols=udp',
      'rotate addresses=2001:db8:3::/64 protocols=icmp interfaces=wan',
      'rotate addresses=fd04::1:0/112 protocols=icmp interfaces=lan',
      'rotate addresses=2001:db8:4::/64 protocols=icmp',
    );
    const egress = String.raw`egress: what is sent to`;
    for (const line of [
      String.raw`DEBUG egress: a packet sent to 2001:db8:1:\S+ came back$`,
      String.raw`WARN ${egress} 2001:db8:2::/64 may not come back: .* by way of fd04::1 did not come back; have the pool routed`,
      String.raw`WARN ${egress} 2001:db8:3::/64 may not come back: 2001:db8:3:\S+: this host has no route to it`,
      String.raw`ERROR ${egress} fd04::1:0/112 does not come back: .* the link of wan, .*--egress-announce wan`,
      String.raw`DEBUG egress: 2001:db8:4:\S+ is this host's own$`,
    ]) {
      await daemon.waitForLog(new RegExp(line, 'm'));
    }
    assert.deepEqual(await daemon.kill(), { code: 0, signal: null });
  });

  it('stops at once while it still looks, and leaves nothing', async () => {
    const daemon = await start('rotate addresses=203.0.113.0/24');
    assert.deepEqual(await daemon.kill(), { code: 0, signal: null });
    assert.doesNotMatch(daemon.log, /egress: what is sent/);
    assert.equal((await server.nftList()).trim(), '');
  });
});
