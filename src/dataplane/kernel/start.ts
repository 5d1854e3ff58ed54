/**
 * Brings the plane up, or takes over what an earlier run left of it: in order of dependence, each step with its undoing,
 * so that a start that fails leaves what was there before and nothing else.
 */
import { formatEndpoint, sameEndpoint, type Endpoint } from '../../core/endpoint.js';
import type { Logger, SayChange } from '../../log/index.js';
import type { HeldName } from '../../sys/held-name.js';
import type { AdoptedPeer, DataPlaneHandlers, TunnelSettings } from '../index.js';
import type { FouListeners, Routes } from '../common/announce.js';
import { AuthPort } from './auth-port.js';
import { readDefaultTtl } from '../common/default-ttl.js';
import type { BoundEndpoint } from './endpoints.js';
import { inPart, messageOf, UnsupportedError } from '../common/errors.js';
import type { FilteredTunnel, IngressFilter, WantedFilter } from './filter.js';
import type { InternalDevice } from './internal-device.js';
import { planListener, refuseListener, removeListener, type WantedListener } from './listener.js';
import type { Mark } from '../common/mark.js';
import { ensureFou, ensureTunnelKind } from './modules.js';
import { NftFilter } from './nft-filter.js';
import { NoFilter } from './no-filter.js';
import type { OuterFollower } from '../common/outer-follower.js';
import type { KernelPlaneSettings } from './settings.js';
import { mendAll } from '../common/step.js';
import { inner6Networks } from '../common/inner6-networks.js';
import { ensureIpv6 } from '../common/ipv6-state.js';
import { lockTunnel } from '../common/tunnel-lock.js';
import { Tunnel } from './tunnel.js';
import { Upkeep } from './upkeep.js';

/** What takes back the steps of a start, in their order. */
export type Undo = (() => Promise<void> | void)[];

/** What a plane has before its start. */
export interface PlaneParts {
  readonly settings: KernelPlaneSettings;
  readonly handlers: DataPlaneHandlers;
  readonly log: Logger;
  readonly mark: Mark;
  readonly announce: SayChange;
  readonly route: Routes;
  readonly fou: FouListeners;
  readonly internal: InternalDevice;
  readonly outer: OuterFollower;
}

/** What only a running plane has. */
export interface Running {
  readonly authPort: AuthPort;
  readonly filter: IngressFilter;
  readonly wantedFilter: () => WantedFilter;
  readonly tunnel: Tunnel;
  readonly upkeep: Upkeep;
  readonly lock: HeldName;
}

export interface Started {
  readonly running: Running;
  readonly adopted: readonly AdoptedPeer[];
}

const UNHEARD = "the tunnel works, but the server's answers are not heard";

const monotonicMs = (): number => performance.now();

/** Nothing is looked at before the tunnel is locked: it might be another daemon's, at work. Rejects with PlaneError. */
export async function bringUp(parts: PlaneParts, undo: Undo): Promise<Started> {
  const { settings, log, mark, internal, outer } = parts;
  ensureIpv6(settings.tunnel.inner6);
  const lock = lockTunnel(settings.number);
  undo.push(() => {
    lock.release();
  });
  await ensureFou(parts.fou, parts.announce);
  await ensureTunnelKind(parts.route, parts.mark.number, settings.tunnel.inner6 === undefined ? 'ipip' : 'sit');
  const listener = { isUnheard: (): void => undefined };
  const { authPort, hears } = await openAuthPort(parts, () => {
    listener.isUnheard();
  });
  undo.push(() => {
    authPort.close();
  });
  const path = await outer.find();
  log.info(`outer address ${path.address} on ${path.device.name}, UDP port ${mark.port}`);
  authPort.bindTo(settings.outer.device);

  const filter = await openFilter(parts, hears);
  undo.push(() => {
    filter.close();
  });
  const leftTable = filter instanceof NftFilter ? filter.left : undefined;
  const leftMark = await internal.leftMark();
  if (leftMark === undefined) undo.push(() => internal.remove());
  await inPart('address', internal.plan().then(mendAll));

  const tunnel = new Tunnel(settings.tunnel, {
    route: parts.route,
    filter,
    log,
    mark,
    monotonicMs,
    local: () => (filter instanceof NoFilter ? outer.path.address : internal.address),
    outerDevice: () => outer.boundDevice,
  });
  const leftPort = (leftTable?.mark ?? leftMark ?? (await tunnel.leftMark()))?.port;
  await freePort(parts, leftPort);

  const endpoint = await tunnel.adopt();
  const bound = endpoint === undefined ? undefined : stillBound(parts, endpoint, leftTable?.endpoints);
  tunnel.setAdopted(bound);
  if (leftTable === undefined) undo.push(() => filter.remove());
  const wantedFilter = (): WantedFilter => ({
    outer: outer.side,
    tunnel: {
      device: settings.tunnel.device,
      internal: internal.address,
      peerAddress: settings.tunnel.peerAddress,
      ...sources6(settings.tunnel),
    },
    bound: tunnel.bound,
  });
  await mendAll(await filter.plan(wantedFilter));
  await takeListener(parts, undo);

  const table = filter instanceof NftFilter ? settings.table : undefined;
  const upkeep = new Upkeep({
    ...parts,
    authPort,
    filter,
    tunnel,
    monotonicMs,
    table,
    wantedFilter,
    listener: () => listenerOf(parts),
  });
  undo.push(() => upkeep.close());
  listener.isUnheard = () => {
    upkeep.soon(['listener']);
  };
  await tunnel.followMtu();
  // What changed while all this was set up.
  upkeep.soon(['path', 'internal', 'filter', 'link']);
  return { running: { authPort, filter, tunnel, upkeep, lock, wantedFilter }, adopted: adoptedPeers(parts, bound) };
}

function adoptedPeers({ settings, log }: PlaneParts, bound: BoundEndpoint | undefined): AdoptedPeer[] {
  if (bound === undefined) return [];
  const { endpoint, remainingMs } = bound;
  log.info(`${settings.tunnel.device}: taken over, bound to ${formatEndpoint(endpoint)}`);
  return [{ peer: settings.tunnel.peer, endpoint, ...(remainingMs !== undefined && { remainingMs }) }];
}

function sources6(settings: TunnelSettings): Pick<FilteredTunnel, 'sources6'> {
  const networks = inner6Networks(settings);
  return networks === undefined ? {} : { sources6: networks };
}

/** What a tunnel needs of the port that it has. */
export const listenerOf = ({ mark, internal, outer, settings }: PlaneParts): WantedListener => ({
  port: mark.port,
  internal: internal.address,
  forIpv6: settings.tunnel.inner6 === undefined ? undefined : outer.side.address,
});

/** One of ours on another port goes away; one that our marks don't name is left alone, and refused. */
async function freePort(parts: PlaneParts, leftPort: number | undefined): Promise<void> {
  const { fou, route, mark } = parts;
  const wanted = listenerOf(parts);
  if (leftPort === mark.port) return;
  await refuseListener(fou, route, mark.number, wanted);
  if (leftPort !== undefined) await removeListener(fou, { ...wanted, port: leftPort });
}

/** Makes the listener, or takes over the one that our marks name. The rules are there by then. */
async function takeListener(parts: PlaneParts, undo: Undo): Promise<void> {
  const { fou, internal } = parts;
  const wanted = listenerOf(parts);
  const steps = await planListener(fou, wanted, (work) => internal.whileLocal(work));
  await inPart('listener', mendAll(steps));
  if (steps.length > 0) undo.push(() => removeListener(fou, wanted));
}

async function openAuthPort(
  { settings, handlers, log }: PlaneParts,
  onUnheard: () => void,
): Promise<{ authPort: AuthPort; hears: boolean }> {
  const ttl = settings.authTtl ?? readDefaultTtl(log.warn.bind(log));
  try {
    const authPort = await AuthPort.open({
      queueNumber: settings.queueNumber,
      queueLength: settings.queueLength,
      ttl,
      onAuthPacket: (packet) => {
        handlers.onAuthPacket(packet);
      },
      onUnheard,
      onError: (error) => {
        log.limited('packet queue', 'WARN', () => messageOf(error));
      },
      onUnreadable: () => {
        handlers.onRefused('unreadable', 1);
        log.limited('unreadable', 'INFO', () => 'refused a packet whose lengths contradict each other');
      },
      onDrops: ({ queueDropped, userDropped }) => {
        handlers.onRefused('unread', queueDropped + userDropped);
        log.warn(
          `too many auth packets at once: ${queueDropped + userDropped} lost (${queueDropped} to a full queue, ${userDropped} unread)`,
        );
      },
    });
    return { authPort, hears: true };
  } catch (error) {
    if (!(error instanceof UnsupportedError) || !settings.mayBeOpen) throw error;
    log.warn(`${error.message}: ${UNHEARD}`);
    return { authPort: AuthPort.sendOnly(ttl), hears: false };
  }
}

/** On a client, where the kernel lacks something, without what takes it: the queue, or all of it. */
async function openFilter(parts: PlaneParts, hears: boolean): Promise<IngressFilter> {
  const { settings, log } = parts;
  if (!settings.mayBeOpen) return await openNftFilter(parts, hears);
  let lack: UnsupportedError | undefined;
  for (const queues of hears ? [true, false] : [false]) {
    try {
      const filter = await openNftFilter(parts, queues);
      if (lack !== undefined) log.warn(`${lack.message}: ${UNHEARD}`);
      return filter;
    } catch (error) {
      if (!(error instanceof UnsupportedError)) throw error;
      lack = error;
    }
  }
  const what = 'the tunnel works, but nothing keeps packets with a forged source out of it';
  log.warn(`${lack?.message ?? 'no filter'}: ${what}`);
  return new NoFilter();
}

/** Rejects with UnsupportedError before anything is changed, where that may be answered by going on without it. */
async function openNftFilter({ settings, mark, announce }: PlaneParts, queues: boolean): Promise<NftFilter> {
  const { table, schemes, counters, mayBeOpen } = settings;
  const queueNumber = queues ? settings.queueNumber : undefined;
  const filter = await NftFilter.open({ table, mark, schemes, queueNumber, counters, announce });
  try {
    if (mayBeOpen && filter.left === undefined) await filter.prove();
    return filter;
  } catch (error) {
    filter.close();
    throw error;
  }
}

/** The endpoint that a link left behind points to, if it may still be let through. */
function stillBound(
  { settings, internal }: PlaneParts,
  endpoint: Endpoint,
  listed: readonly BoundEndpoint[] | undefined,
): BoundEndpoint | undefined {
  const lifetimeMs = settings.tunnel.lifetimeSeconds * 1000;
  const entry = listed?.find((one) => sameEndpoint(one.endpoint, endpoint));
  // Without its table nothing tells how old the binding is; with a lifetime the peer has to prove itself again.
  if (entry === undefined && (listed !== undefined || lifetimeMs > 0)) return undefined;
  const remainingMs = Math.min(entry?.remainingMs ?? lifetimeMs, lifetimeMs);
  return { endpoint, internal: internal.address, ...(lifetimeMs > 0 && { remainingMs }) };
}
