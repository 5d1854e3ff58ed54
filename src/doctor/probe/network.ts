/** The host's network as the tunnel would meet it. Reads only. */
import type { Mode, Remote, TunnelConfig } from '../../config/index.js';
import { messageOf } from '../../daemon/errors.js';
import { resolveHost } from '../../daemon/resolve-host.js';
import { internalAddresses } from '../../dataplane/kernel/remains.js';
import { findListeners, refuseListener } from '../../dataplane/kernel/listener.js';
import { ipv6State } from '../../dataplane/common/ipv6-state.js';
import { parseMark } from '../../dataplane/common/mark.js';
import { findOuterPath } from '../../dataplane/common/outer-path.js';
import { FouClient, FouUnavailableError } from '../../netlink/fou/client.js';
import type { FouListener } from '../../netlink/fou/listener.js';
import { RouteClient } from '../../netlink/route/client.js';
import type { Link } from '../../netlink/route/link.js';
import { isTunnelKind } from '../../netlink/route/tunnel.js';
import { nameOwners, udpPortOwners } from '../../sys/socket-owner.js';
import type { NetworkFacts, OuterFacts, UseFacts } from '../facts.js';
import { parseNumber, readText } from './proc.js';

const IPV4_SYSCTLS = '/proc/sys/net/ipv4';
const IPV6_SYSCTLS = '/proc/sys/net/ipv6';
/** RFC 7600's dummy address, which no route but the default one leads to. */
const BY_DEFAULT_ROUTE_ONLY = '192.0.0.8';

export interface NetworkQuestion {
  readonly mode: Mode;
  readonly tunnel: TunnelConfig;
  readonly remote: Remote;
}

export async function probeNetwork(question: NetworkQuestion): Promise<NetworkFacts> {
  const { tunnel } = question;
  const { remote, remoteFault } = await findRemote(question.remote);
  const route = RouteClient.open();
  try {
    const outer = await probeOuter(route, question, remote);
    const links = await route.links();
    const listeners = await listListeners();
    const own = (link: Link): boolean => parseMark(link.alias)?.number === tunnel.number;
    return {
      outer,
      remoteFault,
      ...forwarding(),
      reversePathFilter: typeof outer === 'string' ? undefined : reversePathFilter(outer.device),
      openLinks: links
        .filter((link) => isTunnelKind(link.kind) && link.tunnel?.remote === undefined && !own(link))
        .map(({ name, up }) => ({ name, up })),
      gueListeners: (listeners ?? []).filter((listener) => isOpenGue(listener, links)).map(({ port }) => port),
      ipv6: tunnel.inner6 === undefined ? 'unasked' : ipv6State(),
      use: await probeUse(route, tunnel, links, listeners),
    };
  } finally {
    route.close();
  }
}

/** A GUE listener, unless it is a tunnel's of ours: those hear an address that nothing on the wire can be sent to. */
const isOpenGue = ({ type, local, port }: FouListener, links: readonly Link[]): boolean =>
  type === 'gue' && (local === undefined || !links.some(({ alias }) => parseMark(alias)?.port === port));

/** What can be known without asking the kernel over netlink; `why` stands for the outer side. */
export function unaskedNetwork(why: string): NetworkFacts {
  return {
    outer: why,
    remoteFault: undefined,
    ...forwarding(),
    reversePathFilter: undefined,
    openLinks: [],
    gueListeners: [],
    ipv6: 'unasked',
    use: { tunnelIsUp: false, deviceTakenBy: undefined, listener: { kind: 'unknown' }, portOwner: undefined },
  };
}

const forwarding = (): Pick<NetworkFacts, 'ipForward' | 'ipv6Forward'> => ({
  ipForward: flagOf(parseNumber(readText(`${IPV4_SYSCTLS}/ip_forward`))),
  ipv6Forward: flagOf(parseNumber(readText(`${IPV6_SYSCTLS}/conf/all/forwarding`))),
});

async function findRemote(remote: Remote): Promise<{ remote: string | undefined; remoteFault: string | undefined }> {
  if (remote.host === undefined) return { remote: undefined, remoteFault: undefined };
  try {
    return { remote: await resolveHost(remote.host), remoteFault: undefined };
  } catch (error) {
    return { remote: undefined, remoteFault: messageOf(error) };
  }
}

async function probeOuter(
  route: RouteClient,
  { mode, tunnel }: NetworkQuestion,
  remote: string | undefined,
): Promise<OuterFacts | string> {
  try {
    const { address, device } = await findOuterPath(route, {
      port: tunnel.fouLocalPort,
      ...(tunnel.fouLocalIp !== undefined && { address: tunnel.fouLocalIp }),
      ...(tunnel.fouDev !== undefined && { device: tunnel.fouDev }),
      // A server looks no further than its default route.
      ...(mode === 'client' && remote !== undefined && { towards: remote }),
    });
    const back = (await route.routeTo(remote ?? BY_DEFAULT_ROUTE_ONLY))?.outInterface;
    const returnDevice = back === undefined ? undefined : (await route.linkByIndex(back))?.name;
    return { address, device: device.name, deviceIndex: device.index, deviceMtu: device.mtu, remote, returnDevice };
  } catch (error) {
    return messageOf(error);
  }
}

const flagOf = (value: number | undefined): boolean | undefined => (value === undefined ? undefined : value !== 0);

/** The higher of the two counts (Documentation/networking/ip-sysctl.rst, rp_filter). */
function reversePathFilter(device: string): number | undefined {
  const [all, own] = ['all', device].map((name) => parseNumber(readText(`${IPV4_SYSCTLS}/conf/${name}/rp_filter`)));
  return all === undefined || own === undefined ? undefined : Math.max(all, own);
}

/** Undefined where they can't be listed; without the module there are none, and it isn't loaded for being asked. */
async function listListeners(): Promise<readonly FouListener[] | undefined> {
  const fou = FouClient.open();
  try {
    return await fou.listeners();
  } catch (error) {
    return error instanceof FouUnavailableError ? [] : undefined;
  } finally {
    fou.close();
  }
}

async function probeUse(
  route: RouteClient,
  tunnel: TunnelConfig,
  links: readonly Link[],
  listeners: readonly FouListener[] | undefined,
): Promise<UseFacts> {
  const { tunlDev, fouLocalPort, number } = tunnel;
  const device = links.find(({ name }) => name === tunlDev);
  const isOurs = device !== undefined && parseMark(device.alias)?.number === number;
  return {
    tunnelIsUp: isOurs,
    deviceTakenBy: device === undefined || isOurs ? undefined : (device.kind ?? 'hardware'),
    listener: await judgeListener(route, tunnel, links, listeners),
    portOwner: nameOwners(udpPortOwners(fouLocalPort)),
  };
}

async function judgeListener(
  route: RouteClient,
  { number, fouLocalPort: port, fouLocalIpAlt }: TunnelConfig,
  links: readonly Link[],
  listeners: readonly FouListener[] | undefined,
): Promise<UseFacts['listener']> {
  if (listeners === undefined) return { kind: 'unknown' };
  if (listeners.length === 0) return { kind: 'none' };
  const marks = links.map(({ alias }) => parseMark(alias));
  const isMarked = marks.some((mark) => mark?.number === number && mark.port === port);
  const fou = FouClient.open();
  try {
    const own = links.filter(({ alias }) => parseMark(alias)?.number === number);
    const [internal = fouLocalIpAlt] = await internalAddresses(own, route);
    const place = { port, internal };
    if ((await findListeners(fou, place)).length === 0) return { kind: 'none' };
    if (!isMarked) await refuseListener(fou, route, number, place);
    return { kind: 'ours' };
  } catch (error) {
    return { kind: 'foreign', message: messageOf(error) };
  } finally {
    fou.close();
  }
}
