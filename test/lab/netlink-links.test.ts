import assert from 'node:assert/strict';
import { before, beforeEach, afterEach, describe, it } from 'mocha';
import { isKernelError } from '../../src/netlink/errors.js';
import { RouteClient } from '../../src/netlink/route/client.js';
import { RTN_LOCAL } from '../../src/netlink/route/constants.js';
import { RouteMonitor, type RouteEvent } from '../../src/netlink/route/events.js';
import type { Link } from '../../src/netlink/route/link.js';
import type { TunnelParameters } from '../../src/netlink/route/tunnel.js';
import { exec, inside, namespace, suiteScope, waitUntil } from './support/index.js';
import type { Namespace } from './support/index.js';

const TUNNEL: TunnelParameters = {
  local: '172.29.0.1',
  remote: '198.51.100.7',
  ttl: 64,
  tos: 0,
  pathMtuDiscovery: true,
  fou: { sourcePort: 10_000, destinationPort: 40_001, checksum: false },
};

describe('links made over netlink', () => {
  const scope = suiteScope();
  let ns: Namespace;
  let client: RouteClient;

  before(async () => {
    await exec(['modprobe', '-a', 'fou', 'ipip', 'dummy']);
  });
  beforeEach(async () => {
    ns = await namespace(scope, 'links');
    client = inside(ns, () => RouteClient.open());
  });
  afterEach(() => {
    client.close();
  });

  interface Shown {
    readonly ifname: string;
    readonly linkinfo?: { readonly info_kind: string; readonly info_data?: Record<string, unknown> };
    readonly [field: string]: unknown;
  }
  const show = async (name: string): Promise<Shown> => ((await ns.ipJson(`-d link show dev ${name}`)) as [Shown])[0];

  /** All of `ip`'s words about a link, except for what is drawn by lot or numbered. */
  async function comparable(name: string): Promise<unknown> {
    const { ifname, ifindex, address, ...rest } = await show(name);
    assert.deepEqual([ifname, typeof ifindex, typeof address], [name, 'number', 'string']);
    return rest;
  }

  it('are dummy links as `ip` makes them', async () => {
    const link = await client.createLink({ name: 'ours', kind: 'dummy', up: true, mtu: 1400, group: 7, alias: 'x y' });
    await ns.ip('link add theirs mtu 1400 group 7 type dummy', 'link set theirs up alias "x y"');
    assert.deepEqual(await comparable('ours'), await comparable('theirs'));
    assert.deepEqual(
      [link.name, link.kind, link.up, link.mtu, link.group, link.alias],
      ['ours', 'dummy', true, 1400, 7, 'x y'],
    );
  });

  it('are FOU tunnels as `ip` makes them', async () => {
    await ns.ip('link add d0 type dummy');
    const device = (await client.linkByName('d0'))?.index ?? assert.fail();
    const specs: [TunnelParameters, string][] = [
      [TUNNEL, 'mode ipip ttl 64 local 172.29.0.1 remote 198.51.100.7 encap fou encap-sport 10000 encap-dport 40001'],
      [
        { ...TUNNEL, device, ttl: 0, tos: 1, fou: { sourcePort: 1, destinationPort: 2, checksum: true } },
        'mode ipip tos inherit local 172.29.0.1 remote 198.51.100.7 dev d0 encap fou encap-sport 1 encap-dport 2 encap-csum',
      ],
      [
        { local: '10.0.0.1', remote: '10.0.0.2', ttl: 9, tos: 0x10, pathMtuDiscovery: true },
        'mode ipip ttl 9 tos 0x10 local 10.0.0.1 remote 10.0.0.2',
      ],
      [{ remote: '10.0.0.3', ttl: 0, tos: 0, pathMtuDiscovery: false }, 'mode ipip remote 10.0.0.3 nopmtudisc'],
    ];
    for (const [tunnel, line] of specs) {
      const ours = await client.createLink({ name: 't0', kind: 'ipip', tunnel });
      assert.deepEqual(ours.tunnel, tunnel);
      const shown = await comparable('t0');
      await client.deleteLink(ours.index);
      await ns.ip(`link add t0 type ipip ${line}`);
      assert.deepEqual(shown, await comparable('t0'), line);
      // And what `ip` made is read as what it was.
      const theirs = await client.linkByName('t0');
      assert.deepEqual(theirs?.tunnel, tunnel);
      await ns.ip('link del t0');
    }
  });

  it('change in place: index, addresses and routes stay, and nothing is lost that was not meant to change', async () => {
    const link = await client.createLink({ name: 't0', kind: 'ipip', tunnel: TUNNEL, alias: 'ours' });
    await client.addAddress({ index: link.index, address: '10.77.0.1', peer: '10.77.0.2', prefixLength: 32 });
    await client.setLink(link.index, { up: true });
    await client.addRoute({ destination: '10.78.0.0', prefixLength: 16, outInterface: link.index });
    const before = await client.routes();

    const moved = {
      ...TUNNEL,
      remote: '203.0.113.9',
      fou: { sourcePort: 10_000, destinationPort: 5, checksum: false },
    };
    await client.changeTunnel(link.index, moved, 'ipip');

    const after = await client.linkByName('t0');
    assert.deepEqual([after?.index, after?.tunnel, after?.up, after?.alias], [link.index, moved, true, 'ours']);
    assert.deepEqual(await client.routes(), before);
    assert.deepEqual(
      (await client.addresses({ index: link.index })).map(({ address, peer }) => [address, peer]),
      [['10.77.0.1', '10.77.0.2']],
    );

    const { fou, ...plain } = moved;
    assert.ok(fou);
    await client.changeTunnel(link.index, plain, 'ipip');
    assert.deepEqual((await client.linkByName('t0'))?.tunnel, plain);
  });

  it('are refused where the name or the pair of addresses is taken, and the other link is left alone', async () => {
    await ns.ip('link add t0 type ipip local 172.29.0.1 remote 198.51.100.7', 'link set t0 alias theirs');
    const taken = (error: unknown): boolean =>
      isKernelError(error, 'EEXIST') && /cannot create link t\d/.test(error.message);
    await assert.rejects(client.createLink({ name: 't0', kind: 'dummy', alias: 'mine' }), taken);
    await assert.rejects(client.createLink({ name: 't1', kind: 'ipip', tunnel: TUNNEL, alias: 'mine' }), taken);
    assert.equal((await show('t0'))['ifalias'], 'theirs');
    assert.equal(await client.linkByName('t1'), undefined);
  });

  it('are not left behind half made', async () => {
    await assert.rejects(client.createLink({ name: 'd0', kind: 'dummy', alias: 'x'.repeat(256) }), RangeError);
    assert.equal(await client.linkByName('d0'), undefined);
  });

  it('are listed by kind', async () => {
    for (const n of [1, 2, 3]) {
      await client.createLink({ name: `t${n}`, kind: 'ipip', tunnel: { ...TUNNEL, local: `172.29.0.${n}` } });
    }
    await client.createLink({ name: 'd0', kind: 'dummy' });
    const named = (links: Link[]): string[] => links.map((link) => link.name).sort();
    assert.deepEqual(named(await client.links({ kind: 'dummy' })), ['d0']);
    assert.deepEqual(named(await client.links({ kind: 'ipip' })), ['t1', 't2', 't3', 'tunl0']);
  });

  it('hold an address that can be sent from but receives nothing', async () => {
    const { index } = await client.createLink({ name: 'd0', kind: 'dummy', up: true });
    await client.addAddress({ index, address: '172.29.0.1', prefixLength: 32 });
    await client.deleteRoute({
      destination: '172.29.0.1',
      prefixLength: 32,
      type: RTN_LOCAL,
      outInterface: index,
      protocol: 0,
    });
    assert.equal(await client.routeTo('172.29.0.1'), undefined);
    assert.equal((await client.routeTo('127.0.0.1', { from: '172.29.0.1' }))?.type, RTN_LOCAL);
  });

  it('tell of themselves to who listens, changes in place included', async () => {
    const events: RouteEvent[] = [];
    const monitor = inside(ns, () => RouteMonitor.open({ onEvent: (event) => events.push(event) }));
    try {
      const { index } = await client.createLink({ name: 't0', kind: 'ipip', tunnel: TUNNEL, up: true });
      await client.changeTunnel(index, { ...TUNNEL, remote: '203.0.113.9' }, 'ipip');
      await client.deleteLink(index);
      await waitUntil(() => events.some((event) => event.kind === 'link-removed'), { what: 'the removal' });
      const remotes = events.flatMap((event) =>
        event.kind === 'link-changed' && event.link.index === index ? [event.link.tunnel?.remote] : [],
      );
      assert.equal(remotes[0], TUNNEL.remote);
      assert.equal(remotes.at(-1), '203.0.113.9');
    } finally {
      monitor.close();
    }
  });

  it('are changed a thousand times without a loss', async () => {
    const { index } = await client.createLink({ name: 't0', kind: 'ipip', tunnel: TUNNEL });
    for (let round = 0; round < 10; round++) {
      await Promise.all(
        Array.from({ length: 100 }, (_, n) =>
          client.changeTunnel(index, { ...TUNNEL, remote: `203.0.113.${n + 1}`, ttl: round + 1 }, 'ipip'),
        ),
      );
    }
    assert.deepEqual((await client.linkByIndex(index))?.tunnel, { ...TUNNEL, remote: '203.0.113.100', ttl: 10 });
  });
});
