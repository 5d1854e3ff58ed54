/** A server and its router; what the router has routed to the server comes back. */
import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';
import { after, before, describe, it } from 'mocha';
import type { Way } from '../../../src/egress/way-back/way-back.js';
import { Scope, type Namespace } from '../../lab/support/index.js';
import { namespaces, veth } from '../../lab/support/namespace.js';
import { needsRoot } from '../../support/skip.js';

const PROGRAM = fileURLToPath(new URL('support/probe-process.ts', import.meta.url));

describe('a look whether the pools come back', function () {
  this.timeout(30_000);
  const scope = new Scope();
  let server: Namespace;
  let router: Namespace;

  before(needsRoot);
  before(async () => {
    [server, router] = await namespaces(scope, 'server', 'router');
    await veth(
      { ns: server, device: 'wan', address: '10.9.4.2/24' },
      { ns: router, device: 'lan', address: '10.9.4.1/24' },
    );
    await router.ip('addr add 2001:db8:9::1/64 dev lan nodad', 'addr add 10.9.4.77/32 dev lan');
    await server.ip(
      ...['addr add 2001:db8:9::2/64 dev wan nodad', 'route add default via 10.9.4.1'],
      ...['route add ::/0 via 2001:db8:9::1', 'route add blackhole 198.51.100.128/25'],
    );
    await router.sysctl({ 'net.ipv4.ip_forward': 1, 'net.ipv6.conf.all.forwarding': 1 });
    await router.ip('route add 198.51.100.0/24 via 10.9.4.2', 'route add 2001:db8:1::/48 via 2001:db8:9::2');
  });
  after(() => scope.close());

  const look = async (announce: string, ...addresses: string[]): Promise<Way[]> => {
    const command = [process.execPath, '--import', 'tsx', PROGRAM, announce, ...addresses];
    return JSON.parse((await server.exec(command)).stdout) as Way[];
  };

  it('proves what is routed to this host, of both families, also where it forwards itself', async () => {
    for (const forwards of [0, 1]) {
      await server.sysctl({ 'net.ipv4.ip_forward': forwards });
      assert.deepEqual(await look('-', '198.51.100.7', '2001:db8:1::7'), [{ kind: 'returned' }, { kind: 'returned' }]);
    }
  });

  it('does not take for proven what the router sends elsewhere, or nowhere', async () => {
    assert.deepEqual(await look('-', '203.0.113.7', '198.51.100.7', '2001:db8:2::7'), [
      { kind: 'lost', gateway: '10.9.4.1' },
      { kind: 'returned' },
      { kind: 'lost', gateway: '2001:db8:9::1' },
    ]);
  });

  it('tells what the routes of this host tell already', async () => {
    const [onLink, own, swallowed] = await look('-', '10.9.4.9', '10.9.4.2', '198.51.100.200');
    assert.deepEqual(onLink, { kind: 'on-link', device: 'wan' });
    assert.deepEqual(own, { kind: 'own' });
    assert.ok(swallowed?.kind === 'untried');
    assert.match(swallowed.why, /this host's routes let nothing out to it/);
    assert.deepEqual(await look('-', '2001:db8:9::7', '2001:db8:9::2'), [onLink, own]);
    const announced = { kind: 'announced', device: 'wan' };
    assert.deepEqual(await look('wan', '10.9.4.9', '2001:db8:9::7'), [announced, announced]);
  });

  it('leaves nothing behind', async () => {
    assert.equal((await server.nftList()).trim(), '');
  });
});
