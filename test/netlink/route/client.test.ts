import assert from 'node:assert/strict';
import { KernelError } from '../../../src/netlink/errors.js';
import { RouteClient } from '../../../src/netlink/route/client.js';
import {
  IN6_ADDR_GEN_MODE_NONE,
  RT_SCOPE_LINK,
  RT_TABLE_LOCAL,
  RTN_LOCAL,
  RTN_UNREACHABLE,
} from '../../../src/netlink/route/constants.js';
import type { RouteSpec } from '../../../src/netlink/route/route.js';
import { TestNamespace } from '../../support/namespace.js';
import { needsRoot } from '../../support/skip.js';

/** Everything is done by one side and judged by the other: what `ip` makes we must see, what we make `ip` must show. */
describe('RouteClient', () => {
  let namespace: TestNamespace;
  let client: RouteClient;
  let index: number;

  before(needsRoot);
  beforeEach(() => {
    namespace = new TestNamespace();
    namespace.ip('link', 'add', 'br0', 'type', 'bridge');
    client = namespace.inside(() => RouteClient.open());
    index = Number(namespace.ipJson('link', 'show', 'br0')[0]?.['ifindex']);
  });
  afterEach(() => {
    client.close();
    namespace.remove();
  });

  const shown = (): Record<string, unknown> => namespace.ipJson('link', 'show', 'br0')[0] ?? {};

  it('sees links as `ip` shows them', async () => {
    namespace.ip('link', 'set', 'br0', 'mtu', '1400', 'alias', 'ours', 'group', '7');
    const links = await client.links();
    const reference = namespace.ipJson('link', 'show');
    assert.deepEqual(
      links.map((link) => [link.index, link.name, link.mtu]).sort(),
      reference.map((link) => [link['ifindex'], link['ifname'], link['mtu']]).sort(),
    );
    const bridge = links.find((link) => link.name === 'br0');
    assert.deepEqual(
      [bridge?.alias, bridge?.group, bridge?.kind, bridge?.up, bridge?.tunnel],
      ['ours', 7, 'bridge', false, undefined],
    );
  });

  it('lists the links of one kind', async () => {
    const names = async (kind: string): Promise<string[]> => (await client.links({ kind })).map((link) => link.name);
    assert.deepEqual(await names('bridge'), ['br0']);
    assert.deepEqual(await names('no-such-kind'), []);
  });

  it('finds a link by name and by index, or none', async () => {
    assert.equal((await client.linkByName('br0'))?.index, index);
    assert.equal((await client.linkByIndex(index))?.name, 'br0');
    assert.equal(await client.linkByName('br1'), undefined);
    assert.equal(await client.linkByIndex(9999), undefined);
  });

  it('sets what it is told of a link and leaves the rest', async () => {
    await client.setLink(index, { up: true, mtu: 1300, alias: 'some words', group: 9 });
    assert.deepEqual([shown()['mtu'], shown()['ifalias'], shown()['group']], [1300, 'some words', '9']);
    await client.setLink(index, { mtu: 1301 });
    const after = await client.linkByIndex(index);
    assert.deepEqual([after?.up, after?.mtu, after?.alias, after?.group], [true, 1301, 'some words', 9]);
    await client.setLink(index, { up: false, alias: '' });
    assert.equal(shown()['ifalias'], undefined);
    assert.deepEqual((await client.linkByIndex(index))?.up, false);
  });

  it('sets that a link gets no link-local address, where IPv6 is to be had', async () => {
    await client.setLink(index, { addrGenMode: IN6_ADDR_GEN_MODE_NONE });
    const [detailed] = namespace.ipJson('-d', 'link', 'show', 'br0');
    assert.equal(detailed?.['inet6_addr_gen_mode'], 'none');
    // Below this the device has no IPv6 (RFC 8200, section 5).
    await client.setLink(index, { mtu: 1279 });
    await assert.rejects(
      client.setLink(index, { addrGenMode: IN6_ADDR_GEN_MODE_NONE }),
      (error) => error instanceof KernelError && error.code === 'EAFNOSUPPORT',
    );
  });

  it('deletes a link, and says which one it could not delete', async () => {
    await client.deleteLink(index);
    assert.equal(await client.linkByName('br0'), undefined);
    await assert.rejects(client.deleteLink(index), {
      message: `cannot delete link ${index}: No such device (ENODEV)`,
    });
  });

  it('names the link that exists already, and leaves it alone', async () => {
    // A name in use is found out before the kind, which this kernel may not have.
    const creation = client.createLink({ name: 'br0', kind: 'dummy', alias: 'mine' });
    await assert.rejects(
      creation,
      (error) => error instanceof KernelError && error.message.startsWith('cannot create link br0: '),
    );
    assert.equal(shown()['ifalias'], undefined);
  });

  it('adds, lists and deletes addresses', async () => {
    await client.addAddress({ index, address: '192.0.2.1', prefixLength: 24 });
    await client.addAddress({ index, address: '10.0.0.1', peer: '10.0.0.2', prefixLength: 32, scope: RT_SCOPE_LINK });
    const [entry] = namespace.ipJson('addr', 'show', 'br0');
    const reference = (entry?.['addr_info'] as Record<string, unknown>[]).filter((info) => info['family'] === 'inet');
    assert.deepEqual(
      reference.map((info) => [info['local'], info['address'], info['prefixlen'], info['scope']]),
      [
        ['10.0.0.1', '10.0.0.2', 32, 'link'],
        ['192.0.2.1', undefined, 24, 'global'],
      ],
    );
    assert.deepEqual(
      (await client.addresses({ index })).map(({ address, peer, prefixLength, scope }) => [
        address,
        peer,
        prefixLength,
        scope,
      ]),
      [
        ['10.0.0.1', '10.0.0.2', 32, RT_SCOPE_LINK],
        ['192.0.2.1', undefined, 24, 0],
      ],
    );
    assert.ok((await client.addresses()).some(({ address }) => address === '127.0.0.1'));
    await client.deleteAddress({ index, address: '10.0.0.1', peer: '10.0.0.2', prefixLength: 32 });
    assert.equal((await client.addresses({ index })).length, 1);
    await assert.rejects(client.addAddress({ index, address: '192.0.2.1', prefixLength: 24 }), (error) => {
      assert.ok(error instanceof KernelError);
      // Newer kernels add words of their own.
      return error.message.startsWith(`cannot add address 192.0.2.1/24 of link ${index}: File exists (EEXIST)`);
    });
  });

  describe('with a link that is up', () => {
    beforeEach(() => {
      namespace.ip('link', 'set', 'br0', 'up');
      namespace.ip('addr', 'add', '192.0.2.1/24', 'dev', 'br0');
    });

    it('sees the routes of a table as `ip` shows them', async () => {
      namespace.ip('route', 'add', '10.1.0.0/16', 'via', '192.0.2.9', 'metric', '5', 'mtu', '1400', 'src', '192.0.2.1');
      const routes = await client.routes({});
      const { scope, flags, type, table, ...route } = routes.find(({ priority }) => priority === 5) ?? assert.fail();
      assert.deepEqual([scope, flags, type, table], [0, 0, 1, 254].with(1, flags));
      assert.deepEqual(route, {
        destination: '10.1.0.0',
        prefixLength: 16,
        protocol: 3,
        outInterface: index,
        gateway: '192.0.2.9',
        preferredSource: '192.0.2.1',
        priority: 5,
        mtu: 1400,
        multipath: false,
      });
      assert.equal(routes.length, namespace.ipJson('route', 'show').length);
    });

    it('sees no routes in a table that does not exist', async () => {
      assert.deepEqual(await client.routes({ table: 4242 }), []);
    });

    it('makes routes as `ip` would make them, in any table', async () => {
      const spec: RouteSpec = {
        destination: '10.2.0.0',
        prefixLength: 16,
        table: 1000,
        gateway: '192.0.2.9',
        preferredSource: '192.0.2.1',
        priority: 7,
        mtu: 1350,
      };
      await client.addRoute(spec);
      await client.addRoute({ destination: '10.3.0.0', prefixLength: 16, table: 1000, outInterface: index });
      await client.addRoute({ destination: '10.4.0.0', prefixLength: 16, table: 1000, type: RTN_UNREACHABLE });
      const ours = namespace.ipJson('route', 'show', 'table', '1000');
      namespace.ip('route', 'flush', 'table', '1000');
      for (const line of [
        '10.2.0.0/16 via 192.0.2.9 src 192.0.2.1 metric 7 mtu 1350',
        '10.3.0.0/16 dev br0',
        'unreachable 10.4.0.0/16',
      ]) {
        namespace.ip('route', 'add', ...line.split(' '), 'table', '1000', 'proto', 'static');
      }
      assert.deepEqual(ours, namespace.ipJson('route', 'show', 'table', '1000'));
      await client.deleteRoute(spec);
      assert.equal((await client.routes({ table: 1000 })).length, 2);
    });

    it('deletes the local route of an address, which then receives nothing but can still be sent from', async () => {
      await client.addAddress({ index, address: '172.29.0.1', prefixLength: 32 });
      const local = { destination: '172.29.0.1', prefixLength: 32, type: RTN_LOCAL, outInterface: index };
      const locals = async (): Promise<string[]> =>
        (await client.routes({ table: RT_TABLE_LOCAL })).map((route) => route.destination);
      assert.ok((await locals()).includes('172.29.0.1'));
      await client.deleteRoute({ ...local, protocol: 0 });
      assert.ok(!(await locals()).includes('172.29.0.1'));
      assert.ok(!namespace.ip('route', 'show', 'table', 'local').includes('172.29.0.1'));
      assert.equal((await client.routeTo('192.0.2.77', { from: '172.29.0.1' }))?.outInterface, index);
    });

    it('says which way a packet goes', async () => {
      namespace.ip('route', 'add', 'default', 'via', '192.0.2.9');
      namespace.ip('route', 'add', '203.0.113.0/24', 'via', '192.0.2.8', 'mtu', '1280', 'table', '77');
      namespace.ip('rule', 'add', 'to', '203.0.113.0/24', 'lookup', '77');
      const far = await client.routeTo('198.51.100.1');
      assert.deepEqual(
        [far?.outInterface, far?.gateway, far?.preferredSource, far?.mtu, far?.table],
        [index, '192.0.2.9', '192.0.2.1', undefined, 254],
      );
      const ruled = await client.routeTo('203.0.113.5', { from: '192.0.2.1', oif: index });
      assert.deepEqual([ruled?.gateway, ruled?.mtu, ruled?.table], ['192.0.2.8', 1280, 77]);
      assert.equal((await client.routeTo('192.0.2.1'))?.type, RTN_LOCAL);
    });

    it('knows no way where there is none', async () => {
      assert.equal(await client.routeTo('198.51.100.1'), undefined);
      namespace.ip('route', 'add', 'unreachable', '198.51.100.1');
      assert.equal(await client.routeTo('198.51.100.1'), undefined);
    });
  });
});
