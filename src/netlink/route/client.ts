/** Links, addresses and routes of the network namespace it was opened in. */
import { NETLINK_ROUTE, NLM_F_CREATE, NLM_F_DUMP, NLM_F_EXCL } from '../constants.js';
import { isKernelError, NetlinkError, type RequestSubject } from '../errors.js';
import type { NetlinkMessage } from '../message.js';
import { NetlinkSocket } from '../socket.js';
import {
  decodeAddress,
  encodeAddress,
  encodeAddressDump,
  type AssignedAddress,
  type InterfaceAddress,
} from './address.js';
import {
  AF_INET,
  AF_INET6,
  RT_TABLE_MAIN,
  RT_TABLE_UNSPEC,
  RTM_DELADDR,
  RTM_DELLINK,
  RTM_DELROUTE,
  RTM_DELRULE,
  RTM_GETADDR,
  RTM_GETLINK,
  RTM_GETROUTE,
  RTM_NEWADDR,
  RTM_NEWLINK,
  RTM_NEWROUTE,
  RTM_GETRULE,
  RTM_NEWRULE,
} from './constants.js';
import {
  decodeLink,
  encodeLinkDump,
  encodeLinkIndex,
  encodeLinkQuery,
  encodeLinkSettings,
  encodeNewLink,
  encodeTunnelChange,
  type Link,
  type LinkSettings,
  type LinkSpec,
} from './link.js';
import { decodeRoute, encodeRoute, encodeRouteDump, encodeRouteQuery } from './route.js';
import type { Route, RouteQuery, RouteSpec } from './route.js';
import {
  decodeRule,
  encodeProhibitRule,
  encodeRuleDump,
  ruleText,
  type PolicyRule,
  type ProhibitRule,
} from './rule.js';
import type { TunnelKind, TunnelParameters } from './tunnel.js';

/** By the names that nftables has for them. */
interface FamilyFilter {
  readonly family?: 'ip' | 'ip6';
}

const numberOf = ({ family = 'ip' }: FamilyFilter): number => (family === 'ip' ? AF_INET : AF_INET6);

const RECEIVE_BUFFER_BYTES = 1 << 20;

/** All methods reject with KernelError where the kernel refuses, and with NetlinkError where it doesn't answer. */
export class RouteClient {
  private readonly socket: NetlinkSocket;

  private constructor(socket: NetlinkSocket) {
    this.socket = socket;
  }

  static open(): RouteClient {
    return new RouteClient(
      NetlinkSocket.open(NETLINK_ROUTE, { receiveBufferBytes: RECEIVE_BUFFER_BYTES, strictCheck: true }),
    );
  }

  /** All links, or those of one kind. */
  async links(filter: { readonly kind?: string } = {}): Promise<Link[]> {
    const { kind } = filter;
    const replies = await this.dump(RTM_GETLINK, encodeLinkDump(kind), 'links');
    // A kernel that doesn't know the kind doesn't filter.
    return decodeAll(replies, RTM_NEWLINK, decodeLink).filter((link) => kind === undefined || link.kind === kind);
  }

  async linkByName(name: string): Promise<Link | undefined> {
    return await this.findLink(encodeLinkQuery({ name }), name);
  }

  async linkByIndex(index: number): Promise<Link | undefined> {
    return await this.findLink(encodeLinkQuery({ index }), `with index ${index}`);
  }

  /** Makes a link. It is not left behind half made. */
  async createLink(spec: LinkSpec): Promise<Link> {
    const what = { op: 'create link', object: spec.name };
    const flags = NLM_F_CREATE | NLM_F_EXCL;
    await this.socket.request({ type: RTM_NEWLINK, flags, body: encodeNewLink(spec) }, what);
    const link = await this.linkByName(spec.name);
    if (link === undefined) throw new NetlinkError('NETLINK_MALFORMED', `link ${spec.name} vanished while being made`);
    if (spec.alias === undefined || spec.alias === '') return link;
    try {
      // By index, and after the link is known to be ours: by name it might hit another one.
      await this.setLink(link.index, { alias: spec.alias });
    } catch (error) {
      await this.deleteLink(link.index);
      throw error;
    }
    return { ...link, alias: spec.alias };
  }

  /** Changes a tunnel's link in place: its index, addresses, routes and users stay. It can't become one of another kind. */
  async changeTunnel(index: number, tunnel: TunnelParameters, kind: TunnelKind): Promise<void> {
    const body = encodeTunnelChange(index, tunnel, kind);
    await this.socket.request({ type: RTM_NEWLINK, flags: 0, body }, { op: 'change tunnel', object: `link ${index}` });
  }

  async setLink(index: number, change: LinkSettings): Promise<void> {
    const body = encodeLinkSettings(index, change);
    await this.socket.request({ type: RTM_NEWLINK, flags: 0, body }, { op: 'set', object: `link ${index}` });
  }

  async deleteLink(index: number): Promise<void> {
    const body = encodeLinkIndex(index);
    await this.socket.request({ type: RTM_DELLINK, flags: 0, body }, { op: 'delete', object: `link ${index}` });
  }

  /** The addresses of all links, or of one; of IPv4 unless said otherwise. */
  async addresses(filter: FamilyFilter & { readonly index?: number } = {}): Promise<AssignedAddress[]> {
    const replies = await this.dump(RTM_GETADDR, encodeAddressDump(numberOf(filter), filter.index), 'addresses');
    return decodeAll(replies, RTM_NEWADDR, decodeAddress).filter(
      ({ index }) => filter.index === undefined || index === filter.index,
    );
  }

  async addAddress(spec: InterfaceAddress): Promise<void> {
    const flags = NLM_F_CREATE | NLM_F_EXCL;
    await this.socket.request({ type: RTM_NEWADDR, flags, body: encodeAddress(spec) }, addressSubject('add', spec));
  }

  async deleteAddress(spec: InterfaceAddress): Promise<void> {
    await this.socket.request(
      { type: RTM_DELADDR, flags: 0, body: encodeAddress(spec) },
      addressSubject('delete', spec),
    );
  }

  /** The routes of one table, by default the main one, or of all, and of one device where it is given. Of IPv4 by default. */
  async routes(
    filter: FamilyFilter & { readonly table?: number | 'all'; readonly outInterface?: number } = {},
  ): Promise<Route[]> {
    const table = filter.table ?? RT_TABLE_MAIN;
    try {
      const body = encodeRouteDump(numberOf(filter), table === 'all' ? RT_TABLE_UNSPEC : table, filter.outInterface);
      const replies = await this.dump(RTM_GETROUTE, body, 'routes');
      return decodeAll(replies, RTM_NEWROUTE, decodeRoute).filter(
        (route) =>
          (table === 'all' || route.table === table) &&
          (filter.outInterface === undefined || route.outInterface === filter.outInterface),
      );
    } catch (error) {
      // A table exists while it has routes.
      if (isKernelError(error, 'ENOENT')) return [];
      throw error;
    }
  }

  async addRoute(spec: RouteSpec): Promise<void> {
    const flags = NLM_F_CREATE | NLM_F_EXCL;
    await this.socket.request({ type: RTM_NEWROUTE, flags, body: encodeRoute(spec) }, routeSubject('add', spec));
  }

  /** Deletes the first route that has everything given here. */
  async deleteRoute(spec: RouteSpec): Promise<void> {
    await this.socket.request({ type: RTM_DELROUTE, flags: 0, body: encodeRoute(spec) }, routeSubject('delete', spec));
  }

  /** The rules of policy routing, of both IP versions, each in their order. */
  async rules(): Promise<PolicyRule[]> {
    return decodeAll(await this.dump(RTM_GETRULE, encodeRuleDump(), 'rules'), RTM_NEWRULE, decodeRule);
  }

  /** Resolves with whether it was made: the same rule may be there already. */
  async addRule(rule: ProhibitRule): Promise<boolean> {
    try {
      await this.changeRule(RTM_NEWRULE, NLM_F_CREATE | NLM_F_EXCL, 'add rule', rule);
      return true;
    } catch (error) {
      if (!isKernelError(error, 'EEXIST')) throw error;
      return false;
    }
  }

  /** Resolves with whether there was such a rule. */
  async deleteRule(rule: ProhibitRule): Promise<boolean> {
    try {
      await this.changeRule(RTM_DELRULE, 0, 'delete rule', rule);
      return true;
    } catch (error) {
      if (!isKernelError(error, 'ENOENT')) throw error;
      return false;
    }
  }

  /**
   * The route that a packet would take; undefined where none leads there. `mtu` is set where a route or a learnt path MTU
   * says so, otherwise that of the device counts.
   */
  async routeTo(destination: string, query: RouteQuery = {}): Promise<Route | undefined> {
    const body = encodeRouteQuery(destination, query);
    const what = { op: 'find route to', object: destination };
    try {
      const replies = await this.socket.request({ type: RTM_GETROUTE, flags: 0, body }, what);
      return decodeAll(replies, RTM_NEWROUTE, decodeRoute)[0];
    } catch (error) {
      if (isKernelError(error, 'ENETUNREACH', 'EHOSTUNREACH')) return undefined;
      throw error;
    }
  }

  close(): void {
    this.socket.close();
  }

  private async changeRule(type: number, flags: number, op: string, rule: ProhibitRule): Promise<void> {
    await this.socket.request({ type, flags, body: encodeProhibitRule(rule) }, { op, object: ruleText(rule) });
  }

  private async dump(type: number, body: Buffer, object: string): Promise<NetlinkMessage[]> {
    return await this.socket.request({ type, flags: NLM_F_DUMP, body }, { op: 'list', object });
  }

  private async findLink(body: Buffer, object: string): Promise<Link | undefined> {
    const what = { op: 'find link', object };
    try {
      return decodeAll(
        await this.socket.request({ type: RTM_GETLINK, flags: 0, body }, what),
        RTM_NEWLINK,
        decodeLink,
      )[0];
    } catch (error) {
      if (isKernelError(error, 'ENODEV')) return undefined;
      throw error;
    }
  }
}

/** What the decoder refuses is left out: the kernel's dumps hold other families too. */
function decodeAll<T>(replies: readonly NetlinkMessage[], type: number, decode: (body: Buffer) => T | undefined): T[] {
  return replies.flatMap((reply) => {
    const value = reply.type === type ? decode(reply.body) : undefined;
    return value === undefined ? [] : [value];
  });
}

const addressSubject = (verb: string, spec: InterfaceAddress): RequestSubject => ({
  op: `${verb} address`,
  object: `${spec.address}/${spec.prefixLength} of link ${spec.index}`,
});

const routeSubject = (verb: string, spec: RouteSpec): RequestSubject => ({
  op: `${verb} route`,
  object: `${spec.destination}/${spec.prefixLength}`,
});
