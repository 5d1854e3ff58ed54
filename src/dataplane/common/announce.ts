/**
 * Says every change before it is made, as the `ip` line that would make it. What only reads passes unsaid. The deletion
 * of what may be gone already is said when it is done, since it is no change otherwise.
 *
 *     const route = announceRoutes(RouteClient.open(), (line) => log.debug(line));
 */
import type { SayChange } from '../../log/index.js';
import type { FouClient } from '../../netlink/fou/client.js';
import type { FouKey } from '../../netlink/fou/listener.js';
import type { InterfaceAddress } from '../../netlink/route/address.js';
import type { RouteClient } from '../../netlink/route/client.js';
import { IFA_F_NODAD, RT_TABLE_LOCAL, RTN_LOCAL } from '../../netlink/route/constants.js';
import type { Link, LinkSettings } from '../../netlink/route/link.js';
import type { RouteSpec } from '../../netlink/route/route.js';
import type { TunnelKind, TunnelParameters } from '../../netlink/route/tunnel.js';

export type Routes = Omit<Pick<RouteClient, keyof RouteClient>, 'rules' | 'addRule' | 'deleteRule'>;
export type FouListeners = Pick<FouClient, keyof FouClient>;

export function announceRoutes(route: RouteClient, announce: SayChange): Routes {
  const names = new Map<number, string>();
  const remember = (link: Link | undefined): Link | undefined => {
    if (link !== undefined) names.set(link.index, link.name);
    return link;
  };
  const device = (index: number | undefined): string =>
    index === undefined ? '' : ` dev ${names.get(index) ?? `if${index}`}`;
  return {
    links: async (filter) => {
      const links = await route.links(filter);
      links.forEach(remember);
      return links;
    },
    linkByName: async (name) => remember(await route.linkByName(name)),
    linkByIndex: async (index) => remember(await route.linkByIndex(index)),
    createLink: async (spec) => {
      const { name, kind, alias } = spec;
      const parameters = spec.kind === 'dummy' ? '' : tunnelWords(spec.tunnel, spec.kind, device(spec.tunnel.device));
      announce(() => `ip link add name ${name}${settingWords({ ...spec, alias: '' })} type ${kind}${parameters}`);
      if (alias !== undefined) announce(() => `ip link set dev ${name} alias "${alias}"`);
      const link = await route.createLink(spec);
      remember(link);
      return link;
    },
    changeTunnel: async (index, tunnel, kind) => {
      announce(() => `ip link set${device(index)} type ${kind}${tunnelWords(tunnel, kind, device(tunnel.device))}`);
      await route.changeTunnel(index, tunnel, kind);
    },
    setLink: async (index, change) => {
      announce(() => `ip link set${device(index)}${settingWords(change)}`);
      await route.setLink(index, change);
    },
    deleteLink: async (index) => {
      announce(() => `ip link delete${device(index)}`);
      await route.deleteLink(index);
    },
    addresses: (filter) => route.addresses(filter),
    addAddress: async (spec) => {
      announce(() => `ip address add ${addressWords(spec)}${device(spec.index)}`);
      await route.addAddress(spec);
    },
    deleteAddress: async (spec) => {
      announce(() => `ip address delete ${addressWords({ ...spec, flags: 0 })}${device(spec.index)}`);
      await route.deleteAddress(spec);
    },
    routes: (filter) => route.routes(filter),
    addRoute: async (spec) => {
      announce(() => `ip route add ${routeWords(spec)}${device(spec.outInterface)}${originWords(spec)}`);
      await route.addRoute(spec);
    },
    deleteRoute: async (spec) => {
      await route.deleteRoute(spec);
      // By whom and how far is not asked for in a deletion: whatever leads there goes.
      announce(() => `ip route delete ${routeWords(spec)}${device(spec.outInterface)}`);
    },
    routeTo: (destination, query) => route.routeTo(destination, query),
    close: () => {
      route.close();
    },
  };
}

export function announceFou(fou: FouClient, announce: SayChange): FouListeners {
  const key = ({ port, local }: FouKey): string => `port ${port}${local === undefined ? '' : ` local ${local}`}`;
  return {
    listeners: () => fou.listeners(),
    add: async (spec) => {
      announce(() => `ip fou add ${key(spec)}${spec.type === 'gue' ? ' gue' : ` ipproto ${spec.ipproto}`}`);
      await fou.add(spec);
    },
    delete: async (spec) => {
      await fou.delete(spec);
      announce(() => `ip fou del ${key(spec)}`);
    },
    close: () => {
      fou.close();
    },
  };
}

function tunnelWords(tunnel: TunnelParameters, kind: TunnelKind, device: string): string {
  const { local = 'any', remote = 'any', ttl, tos, pathMtuDiscovery, fou } = tunnel;
  // Without its mode ip(8) makes ipip links that take packets of any protocol, and sit links that take IPv6 alone.
  const head = ` mode ${kind === 'ipip' ? 'ipip' : 'any'} local ${local} remote ${remote}${device}`;
  // ip(8) reads the number as a hexadecimal one.
  const service = tos === 0 ? '' : ` tos ${tos === 1 ? 'inherit' : `0x${tos.toString(16)}`}`;
  const path = ` ttl ${ttl === 0 ? 'inherit' : ttl}${service} ${pathMtuDiscovery ? 'pmtudisc' : 'nopmtudisc'}`;
  if (fou === undefined) return head + path;
  const { sourcePort, destinationPort, checksum } = fou;
  const ports = `encap-sport ${sourcePort} encap-dport ${destinationPort}`;
  return `${head}${path} encap fou ${ports} ${checksum ? 'encap-csum' : 'noencap-csum'}`;
}

/** As `ip` calls them, by their numbers. */
const ADDR_GEN_MODES: readonly string[] = ['eui64', 'none', 'stable_secret', 'random'];

function settingWords({ up, mtu, alias, group, addrGenMode }: LinkSettings): string {
  const words: string[] = [];
  if (mtu !== undefined) words.push(` mtu ${mtu}`);
  if (group !== undefined) words.push(` group ${group}`);
  if (addrGenMode !== undefined) words.push(` addrgenmode ${ADDR_GEN_MODES[addrGenMode] ?? addrGenMode}`);
  if (alias !== undefined && alias !== '') words.push(` alias "${alias}"`);
  if (up !== undefined) words.push(up ? ' up' : ' down');
  return words.join('');
}

function addressWords({ address, peer, prefixLength, flags = 0 }: InterfaceAddress): string {
  const words = peer === undefined ? `${address}/${prefixLength}` : `${address} peer ${peer}/${prefixLength}`;
  return (flags & IFA_F_NODAD) === 0 ? words : `${words} nodad`;
}

function routeWords({ type, destination, prefixLength, gateway, table }: RouteSpec): string {
  const kind = type === RTN_LOCAL ? 'local ' : '';
  const via = gateway === undefined ? '' : ` via ${gateway}`;
  const inTable = table === undefined ? '' : ` table ${table === RT_TABLE_LOCAL ? 'local' : table}`;
  return `${kind}${destination}/${prefixLength}${via}${inTable}`;
}

function originWords({ protocol, scope, preferredSource }: RouteSpec): string {
  const by = protocol === undefined ? '' : ` proto ${protocol}`;
  const reach = scope === undefined ? '' : ` scope ${scope}`;
  return `${by}${reach}${preferredSource === undefined ? '' : ` src ${preferredSource}`}`;
}
