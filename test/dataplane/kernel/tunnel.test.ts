import assert from 'node:assert/strict';
import { Tunnel, type TunnelContext } from '../../../src/dataplane/kernel/tunnel.js';
import type { BoundEndpoint } from '../../../src/dataplane/kernel/endpoints.js';
import { pointAgain } from '../../../src/dataplane/kernel/point-again.js';
import { formatMark } from '../../../src/dataplane/common/mark.js';
import { createLogger } from '../../../src/log/index.js';
import type { Link } from '../../../src/netlink/route/link.js';
import type { TunnelParameters } from '../../../src/netlink/route/tunnel.js';

const HOME = { address: '192.0.2.1', port: 4000 };
const AWAY = { address: '192.0.2.2', port: 5000 };
const BACK = { address: '192.0.2.3', port: 6000 };
const MARK = { number: 0, port: 10_000 };
const LOCAL = '172.29.0.0';

/** A link bound to HOME in a kernel that says what is asked of it, and finds a route only when it is told to. */
async function boundTunnel(): Promise<{ tunnel: Tunnel; done: string[]; findRoutes: () => void }> {
  const done: string[] = [];
  let findRoutes: () => void = () => undefined;
  const routesAreFound = new Promise<undefined>((resolve) => {
    findRoutes = () => {
      resolve(undefined);
    };
  });
  const fou = { sourcePort: MARK.port, destinationPort: HOME.port, checksum: false };
  const tunnelParameters = { local: LOCAL, remote: HOME.address, ttl: 0, tos: 0, pathMtuDiscovery: true, fou };
  const link = { index: 7, name: 't0', kind: 'ipip', alias: formatMark(MARK), up: true, mtu: 1472 };
  const route = {
    linkByName: () => Promise.resolve({ ...link, tunnel: tunnelParameters } as unknown as Link),
    links: () => Promise.resolve([]),
    addresses: () => Promise.resolve([{ index: 7, address: '10.0.0.1', peer: '10.0.0.2', prefixLength: 32 }]),
    changeTunnel: (_: number, { remote }: TunnelParameters) => {
      done.push(`link to ${String(remote)}`);
      return Promise.resolve();
    },
    // The way to the inner peer is there; that to an outer endpoint, which the MTU depends on, is found later.
    routeTo: (to: string) => (to === '10.0.0.2' ? Promise.resolve({ outInterface: 7 }) : routesAreFound),
  } as unknown as TunnelContext['route'];
  const filter = {
    admit: ({ endpoint }: { endpoint: typeof HOME }) => {
      done.push(`filter to ${endpoint.address}`);
      return Promise.resolve();
    },
  } as unknown as TunnelContext['filter'];
  const settings = { peer: 't0', device: 't0', address: '10.0.0.1', peerAddress: '10.0.0.2', lifetimeSeconds: 0 };
  const log = createLogger({ verbosity: -3, showTime: false, showPid: false });
  const context = { route, filter, log, mark: MARK, local: () => LOCAL, outerDevice: () => undefined };
  const tunnel = new Tunnel(settings, { ...context, monotonicMs: () => 0 });
  await tunnel.adopt();
  return { tunnel, done, findRoutes };
}

describe('dataplane/kernel: a tunnel that moves', () => {
  it('has sent the changes of its filter and its link before point() returns', async () => {
    const { tunnel, done } = await boundTunnel();
    const moved = tunnel.point(AWAY);
    assert.deepEqual(done, [`filter to ${AWAY.address}`, `link to ${AWAY.address}`]);
    await moved;
  });

  it('waits for no MTU, neither to say that it has moved nor to move on', async () => {
    const { tunnel, done } = await boundTunnel();
    await tunnel.point(AWAY);
    await tunnel.point(BACK);
    const moves = [AWAY, BACK].flatMap(({ address }) => [`filter to ${address}`, `link to ${address}`]);
    assert.deepEqual(done, moves);
  });

  it('lets nobody else at the link before its MTU has followed', async () => {
    const { tunnel, done, findRoutes } = await boundTunnel();
    await tunnel.point(AWAY);
    const mended = tunnel.exclusively(() => Promise.resolve(done.push('mended')));
    await new Promise(setImmediate);
    assert(!done.includes('mended'));
    findRoutes();
    await mended;
    assert(done.includes('mended'));
  });
});

/** What a tunnel asks of the kernel, which refuses what it is told to. */
function refusingKernel({ isThere, lifetimeSeconds = 0 }: { isThere: boolean; lifetimeSeconds?: number }) {
  const done: string[] = [];
  const refuses = new Set<string>();
  const clock = { nowMs: 0 };
  const act = (what: string): Promise<void> => {
    done.push(what);
    return refuses.has(what) ? Promise.reject(new Error(`no ${what}`)) : Promise.resolve();
  };
  const fou = { sourcePort: MARK.port, destinationPort: HOME.port, checksum: false };
  const tunnel = { local: LOCAL, remote: HOME.address, ttl: 0, tos: 0, pathMtuDiscovery: true, fou };
  const link = { index: 7, name: 't0', kind: 'ipip', alias: formatMark(MARK), up: true, mtu: 1472, tunnel };
  const route = {
    linkByName: () => Promise.resolve(isThere ? link : undefined),
    linkByIndex: () => Promise.resolve(undefined),
    links: () => Promise.resolve([]),
    addresses: () => Promise.resolve([{ index: 7, address: '10.0.0.1', peer: '10.0.0.2', prefixLength: 32 }]),
    routeTo: (to: string) => Promise.resolve(to === '10.0.0.2' ? { outInterface: 7 } : undefined),
    createLink: async () => {
      await act('link made');
      return link;
    },
    changeTunnel: (_: number, { remote }: TunnelParameters) => act(`link to ${String(remote)}`),
    deleteLink: () => act('link deleted'),
  };
  const words = ({ endpoint, remainingMs }: BoundEndpoint): string =>
    `${endpoint.address}${remainingMs === undefined ? '' : ` for ${remainingMs} ms`}`;
  const filter = {
    admit: (bound: BoundEndpoint, before: BoundEndpoint | undefined) =>
      act(`filter to ${words(bound)}${before === undefined ? '' : `, not ${before.endpoint.address}`}`),
    shutOut: ({ endpoint }: BoundEndpoint) => act(`filter without ${endpoint.address}`),
  };
  const lines: string[] = [];
  const edge = {
    write: (line: string) => lines.push(line.trim()),
    now: () => new Date(0),
    monotonicMs: () => 0,
    pid: 1,
  };
  const context = {
    route,
    filter,
    log: createLogger({ verbosity: 0, showTime: false, showPid: false }, edge),
    mark: MARK,
    local: () => LOCAL,
    outerDevice: () => undefined,
    monotonicMs: () => clock.nowMs,
  } as unknown as TunnelContext;
  const settings = { peer: 't0', device: 't0', address: '10.0.0.1', peerAddress: '10.0.0.2', lifetimeSeconds };
  return { tunnel: new Tunnel(settings, context), done, refuses, lines, clock };
}

describe('dataplane/kernel: a tunnel that can not be pointed to a new endpoint', () => {
  const bound = (remainingMs?: number): BoundEndpoint => ({
    endpoint: HOME,
    internal: LOCAL,
    ...(remainingMs !== undefined && { remainingMs }),
  });
  const [toAway, toHome] = [
    `filter to ${AWAY.address}, not ${HOME.address}`,
    `filter to ${HOME.address}, not ${AWAY.address}`,
  ];
  const [linkAway, linkHome] = [`link to ${AWAY.address}`, `link to ${HOME.address}`];

  for (const [part, refused] of [
    ['link', linkAway],
    ['filter', toAway],
  ] as const) {
    it(`has both its link and its filter where they were, where the ${part} refuses`, async () => {
      const { tunnel, done, refuses } = refusingKernel({ isThere: true });
      await tunnel.adopt();
      tunnel.setAdopted(bound());
      refuses.add(refused);
      await assert.rejects(tunnel.point(AWAY), { message: `no ${refused}` });
      assert.deepEqual(done, [toAway, linkAway, toHome, linkHome]);
      assert.deepEqual([tunnel.endpoint, tunnel.bound], [HOME, bound()]);
      // And it goes there as soon as it can.
      refuses.clear();
      await tunnel.point(AWAY);
      assert.deepEqual(done.slice(4), [toAway, linkAway]);
      assert.deepEqual(tunnel.endpoint, AWAY);
    });
  }

  it('lets the old endpoint through for what was left of its lifetime, and no longer', async () => {
    const { tunnel, done, refuses, clock } = refusingKernel({ isThere: true, lifetimeSeconds: 60 });
    await tunnel.adopt();
    tunnel.setAdopted(bound(20_000));
    clock.nowMs = 15_000;
    refuses.add(linkAway);
    await assert.rejects(tunnel.point(AWAY));
    assert.equal(done[2], `filter to ${HOME.address} for 5000 ms, not ${AWAY.address}`);
    assert.deepEqual(tunnel.bound, bound(5000));
  });

  it('lets nobody through where the old endpoint was let through no more', async () => {
    const { tunnel, done, refuses, clock } = refusingKernel({ isThere: true, lifetimeSeconds: 60 });
    await tunnel.adopt();
    tunnel.setAdopted(bound(20_000));
    clock.nowMs = 20_000;
    refuses.add(linkAway);
    await assert.rejects(tunnel.point(AWAY));
    assert.deepEqual(done.slice(2), [`filter without ${AWAY.address}`, linkHome]);
    assert.equal(tunnel.bound, undefined);
  });

  it('says so where it can not be set back either, and stays what it was to be repaired', async () => {
    const { tunnel, refuses, lines } = refusingKernel({ isThere: true });
    await tunnel.adopt();
    tunnel.setAdopted(bound());
    for (const what of [linkAway, linkHome]) refuses.add(what);
    await assert.rejects(tunnel.point(AWAY), { message: `no ${linkAway}` });
    assert.deepEqual(lines, [`ERROR tunnel t0 could not be set back to 192.0.2.1:4000: no ${linkHome}`]);
    assert.deepEqual(tunnel.endpoint, HOME);
  });

  it('goes where the peer has moved to meanwhile', async () => {
    const { tunnel, refuses } = refusingKernel({ isThere: true });
    await tunnel.adopt();
    refuses.add(linkAway);
    await Promise.all([tunnel.point(AWAY), tunnel.point(BACK)]);
    assert.deepEqual(tunnel.endpoint, BACK);
  });

  it('is not there where it was not there before', async () => {
    const { tunnel, done, refuses } = refusingKernel({ isThere: false });
    const toFirst = `filter to ${AWAY.address}`;
    refuses.add(toFirst);
    await assert.rejects(tunnel.point(AWAY), { message: `no ${toFirst}` });
    const made = ['link made', toFirst];
    assert.deepEqual(done, [...made, `filter without ${AWAY.address}`, 'link deleted']);
    assert.equal(tunnel.endpoint, undefined);
    refuses.clear();
    await tunnel.point(AWAY);
    assert.deepEqual(done.slice(4), made);
  });
});

describe('dataplane/kernel: a peer that proves itself again while it is pointed to', () => {
  it('has to wait for that, also where it has no lifetime', async () => {
    const { tunnel } = refusingKernel({ isThere: true });
    await tunnel.adopt();
    const pointed = tunnel.point(AWAY);
    await tunnel.refresh(AWAY);
    assert.deepEqual(tunnel.endpoint, AWAY);
    await pointed;
  });
});

describe('dataplane/kernel: pointing once more', () => {
  const log = createLogger({ verbosity: -3, showTime: false, showPid: false });

  /** Points a tunnel that fails so often; tells what was done. */
  async function point(failures: number, isStillThere = true): Promise<string[]> {
    const done: string[] = [];
    const tunnel = {
      point: () => {
        done.push('pointed');
        const time = done.filter((what) => what === 'pointed').length;
        return time <= failures ? Promise.reject(new Error(`failure ${time}`)) : Promise.resolve();
      },
    };
    const repair = (): Promise<boolean> => {
      done.push('repaired');
      return Promise.resolve(isStillThere);
    };
    await pointAgain(tunnel, HOME, repair, log).catch((error: unknown) => {
      done.push((error as Error).message);
    });
    return done;
  }

  it('repairs nothing where it succeeds', async () => {
    assert.deepEqual(await point(0), ['pointed']);
  });

  it('comes after a repair, and is the last try', async () => {
    assert.deepEqual(await point(1), ['pointed', 'repaired', 'pointed']);
    assert.deepEqual(await point(2), ['pointed', 'repaired', 'pointed', 'failure 2']);
  });

  it('is not tried where the plane was stopped meanwhile', async () => {
    assert.deepEqual(await point(1, false), ['pointed', 'repaired', 'failure 1']);
  });
});
