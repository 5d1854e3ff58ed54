import assert from 'node:assert/strict';
import { it } from 'mocha';
import { announceRoutes } from '../../../src/dataplane/common/announce.js';
import { PlaneError } from '../../../src/dataplane/common/errors.js';
import { findOuterPath, type OuterWish } from '../../../src/dataplane/common/outer-path.js';
import { RouteClient } from '../../../src/netlink/route/client.js';
import { describeInNamespace } from '../../support/namespace.js';

const OUTER = { port: 10_000 };

describeInNamespace('the way out', (namespace) => {
  const find = async (wish: Omit<OuterWish, 'port'>): Promise<string> => {
    const route = namespace().inside(() => announceRoutes(RouteClient.open(), () => undefined));
    try {
      const { address, device, gateway } = await findOuterPath(route, { ...OUTER, ...wish });
      return [address, device.name, ...(gateway === undefined ? [] : [gateway])].join(' ');
    } catch (error) {
      assert.ok(error instanceof PlaneError && error.part === 'outer', String(error));
      return error.message;
    } finally {
      route.close();
    }
  };

  it('is missed in words that say which option is to be corrected', async () => {
    assert.match(await find({}), /^there is no default route .*--fou-local @eth0$/);
    assert.match(await find({ towards: '192.0.2.9' }), /^there is no route to 192\.0\.2\.9: is the network up\?$/);
    assert.match(await find({ device: 'nowhere' }), /^there is no device nowhere: correct --fou-dev/);
    assert.match(await find({ address: '192.0.2.1' }), /^no device of this host has the address 192\.0\.2\.1: correct/);
  });

  it('is the one by which the server is reached, or the default route, or what is named', async () => {
    for (const command of [
      'link set lo up',
      'link add wan type veth peer name wan-end',
      'link add lan type veth peer name lan-end',
      'address add 192.0.2.1/24 dev wan',
      'address add 198.51.100.1/24 dev lan',
      'link set wan up',
      'link set wan-end up',
      'link set lan-end up',
      'link set lan up',
      'route add default via 192.0.2.254',
    ]) {
      namespace().run('ip', ...command.split(' '));
    }
    assert.equal(await find({}), '192.0.2.1 wan 192.0.2.254');
    assert.equal(await find({ towards: '203.0.113.5' }), '192.0.2.1 wan 192.0.2.254');
    assert.equal(await find({ towards: '198.51.100.7' }), '198.51.100.1 lan');
    assert.equal(await find({ device: 'lan' }), '198.51.100.1 lan');
    assert.equal(await find({ address: '198.51.100.1' }), '198.51.100.1 lan');
  });

  it('does not lead to the host itself', async () => {
    for (const own of ['192.0.2.1', '127.0.0.1']) {
      assert.equal(
        await find({ towards: own }),
        `${own} is an address of this host itself: correct --fou-remote, which is to lead to the server`,
      );
    }
  });
});
