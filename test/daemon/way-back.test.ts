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
      /WARN egress: what is sent to 10\.9\.4\.65-10\.9\.4\.126 does not come back: .* the link of wan, .*--egress-announce wan/,
    );
    assert.deepEqual(await daemon.kill(), { code: 0, signal: null });
  });

  it('stops at once while it still looks, and leaves nothing', async () => {
    const daemon = await start('rotate addresses=203.0.113.0/24');
    assert.deepEqual(await daemon.kill(), { code: 0, signal: null });
    assert.doesNotMatch(daemon.log, /WARN egress: what is sent/);
    assert.equal((await server.nftList()).trim(), '');
  });
});
