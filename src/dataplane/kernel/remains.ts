/**
 * What a kernel plane of the same tunnel left when its process was killed, for another kind of plane that takes its
 * place: two of them can't have one device and one port. Nothing is touched that doesn't carry the tunnel's mark, nor
 * while that process still runs.
 */
import type { Endpoint } from '../../core/endpoint.js';
import { sameEndpoint } from '../../core/endpoint.js';
import type { Logger, SayChange } from '../../log/index.js';
import { FouClient } from '../../netlink/fou/client.js';
import type { Link } from '../../netlink/route/link.js';
import { isTunnelKind } from '../../netlink/route/tunnel.js';
import { announceFou, type Routes } from '../common/announce.js';
import { parseMark, type Mark } from '../common/mark.js';
import { UnsupportedError } from '../common/errors.js';
import { AuthPort } from './auth-port.js';
import { removeListener, type ListenerPlace } from './listener.js';
import { NftFilter } from './nft-filter.js';

export interface RemainsSettings {
  readonly mark: Mark;
  readonly table: string;
  /** Held by a kernel plane as long as it runs. */
  readonly queueNumber: number;
  readonly lifetimeSeconds: number;
}

/** Whom the tunnel was bound to, and for how much longer; absent: for ever. */
export interface LeftBinding {
  readonly endpoint: Endpoint;
  readonly remainingMs?: number;
}

const UNSPECIFIED = '0.0.0.0';

/** Removes it, and tells where the peer was. Rejects with PlaneError where a process still holds it. */
export async function takeKernelRemains(
  settings: RemainsSettings,
  route: Routes,
  announce: SayChange,
  log: Logger,
): Promise<LeftBinding | undefined> {
  const { mark, queueNumber } = settings;
  const links = (await route.links()).filter(
    ({ kind, alias }) => (isTunnelKind(kind) || kind === 'dummy') && parseMark(alias)?.number === mark.number,
  );
  const filter = await openFilter(settings, announce);
  try {
    const port = filter?.left?.mark.port ?? parseMark(links[0]?.alias)?.port;
    if (port === undefined) return undefined;
    const guard = await holdQueue(queueNumber);
    try {
      const binding = findBinding(links, filter, settings);
      // What brings packets to the link first, the rules that shut it last.
      for (const link of links.filter(({ kind }) => isTunnelKind(kind))) await route.deleteLink(link.index);
      const internals = await internalAddresses(links, route);
      // Without any of its devices only a listener for any address can be the tunnel's.
      for (const internal of internals.length > 0 ? internals : [UNSPECIFIED]) {
        await dropListener({ port, internal }, announce);
      }
      await filter?.remove();
      for (const link of links.filter(({ kind }) => kind === 'dummy')) await route.deleteLink(link.index);
      log.info(`tunnel ${mark.number}: what a kernel data plane had left is removed`);
      return binding;
    } finally {
      guard?.close();
    }
  } finally {
    filter?.close();
  }
}

/** Undefined on a kernel without nf_tables. */
async function openFilter({ table, mark }: RemainsSettings, announce: SayChange): Promise<NftFilter | undefined> {
  try {
    return await NftFilter.open({ table, mark, schemes: [], queueNumber: undefined, announce });
  } catch (error) {
    if (error instanceof UnsupportedError) return undefined;
    throw error;
  }
}

/** Keeps a kernel plane of this tunnel out meanwhile. Undefined on a kernel that has no packet queue. */
async function holdQueue(queueNumber: number): Promise<AuthPort | undefined> {
  const nothing = (): void => undefined;
  try {
    return await AuthPort.open({
      queueNumber,
      queueLength: 1,
      ttl: 1,
      onAuthPacket: nothing,
      onUnheard: nothing,
      onError: nothing,
      onUnreadable: nothing,
      onDrops: nothing,
    });
  } catch (error) {
    if (error instanceof UnsupportedError) return undefined;
    throw error;
  }
}

/** Of a tunnel's links: of the device that holds them, or of a link whose device is gone. */
export async function internalAddresses(links: readonly Link[], route: Pick<Routes, 'addresses'>): Promise<string[]> {
  const dummies = links.filter(({ kind }) => kind === 'dummy');
  const held = await Promise.all(dummies.map(({ index }) => route.addresses({ index })));
  const found = [...held.flat().map(({ address }) => address), ...links.flatMap(({ tunnel }) => tunnel?.local ?? [])];
  return [...new Set(found)];
}

async function dropListener(place: ListenerPlace, announce: SayChange): Promise<void> {
  const fou = announceFou(FouClient.open(), announce);
  try {
    await removeListener(fou, place);
  } finally {
    fou.close();
  }
}

/** As the kernel plane itself would take it over. */
function findBinding(
  links: readonly Link[],
  filter: NftFilter | undefined,
  { lifetimeSeconds }: RemainsSettings,
): LeftBinding | undefined {
  const { remote, fou } = links.find(({ kind }) => isTunnelKind(kind))?.tunnel ?? {};
  if (remote === undefined || fou === undefined) return undefined;
  const endpoint = { address: remote, port: fou.destinationPort };
  const listed = filter?.left?.endpoints;
  const entry = listed?.find((one) => sameEndpoint(one.endpoint, endpoint));
  const lifetimeMs = lifetimeSeconds * 1000;
  if (entry === undefined && (listed !== undefined || lifetimeMs > 0)) return undefined;
  if (lifetimeMs === 0) return { endpoint };
  return { endpoint, remainingMs: Math.min(entry?.remainingMs ?? lifetimeMs, lifetimeMs) };
}
