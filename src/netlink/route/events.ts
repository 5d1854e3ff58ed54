/** What changes in links, addresses and routes, of both IP versions and whoever changes it. */
import { NETLINK_ROUTE } from '../constants.js';
import { NetlinkError } from '../errors.js';
import type { NetlinkMessage } from '../message.js';
import { OverrunWatch } from '../overrun-watch.js';
import { NetlinkSocket } from '../socket.js';
import { decodeAddress, type AssignedAddress } from './address.js';
import {
  AF_INET,
  AF_INET6,
  AF_UNSPEC,
  RTM_DELADDR,
  RTM_DELLINK,
  RTM_DELROUTE,
  RTM_NEWADDR,
  RTM_NEWLINK,
  RTM_NEWROUTE,
  RTNLGRP_IPV4_IFADDR,
  RTNLGRP_IPV4_ROUTE,
  RTNLGRP_IPV6_IFADDR,
  RTNLGRP_IPV6_ROUTE,
  RTNLGRP_LINK,
} from './constants.js';
import { decodeLink, type Link } from './link.js';
import { decodeRoute, type Route } from './route.js';

export type RouteEvent =
  /** Made or changed. The kernel tells of changes in a tunnel's parameters only while its link is up. */
  | { readonly kind: 'link-changed'; readonly link: Link }
  | { readonly kind: 'link-removed'; readonly link: Link }
  | { readonly kind: 'address-added'; readonly address: AssignedAddress }
  | { readonly kind: 'address-removed'; readonly address: AssignedAddress }
  | { readonly kind: 'route-added'; readonly route: Route }
  /** Not sent for the routes that vanish because their device goes down or away: only the device's event tells. */
  | { readonly kind: 'route-removed'; readonly route: Route }
  /** Events were lost: whoever follows the state must read it anew. */
  | { readonly kind: 'overrun'; readonly lostMessages: number };

const IP_FAMILIES = [AF_INET, AF_INET6];

export interface RouteMonitorOptions {
  /** Whether addresses and routes of IPv6 are told of, too. Routers have theirs refreshed every few seconds. */
  readonly ipv6?: boolean;
  readonly onEvent: (event: RouteEvent) => void;
  /** Told of an `onEvent` that throws and of messages that can't be read; by default such an error is thrown outside. */
  readonly onError?: (error: Error) => void;
  /** Default 4 MiB. */
  readonly receiveBufferBytes?: number;
  /** How often to look for lost events while none arrives. Default 5000. */
  readonly overrunCheckMs?: number;
}

export class RouteMonitor {
  private readonly socket: NetlinkSocket;
  private readonly watch: OverrunWatch;

  private constructor(socket: NetlinkSocket, watch: OverrunWatch) {
    this.socket = socket;
    this.watch = watch;
  }

  /** Starts to listen. Every change made after this returns is told, or an overrun is. */
  static open(options: RouteMonitorOptions): RouteMonitor {
    const { onEvent, onError } = options;
    const socket = NetlinkSocket.open(NETLINK_ROUTE, {
      groups: [
        RTNLGRP_LINK,
        ...[RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV4_ROUTE],
        ...(options.ipv6 === true ? [RTNLGRP_IPV6_IFADDR, RTNLGRP_IPV6_ROUTE] : []),
      ],
      receiveBufferBytes: options.receiveBufferBytes ?? 4 << 20,
      ...(onError !== undefined && { onError }),
    });
    const watch = new OverrunWatch(socket, options.overrunCheckMs ?? 5000, (lostMessages) => {
      onEvent({ kind: 'overrun', lostMessages });
    });
    socket.onMessage((message) => {
      const event = decodeRouteEvent(message);
      if (event !== undefined) onEvent(event);
    });
    socket.onMessages(() => {
      watch.check();
    });
    return new RouteMonitor(socket, watch);
  }

  /** Lets the process end although the monitor listens. */
  unref(): void {
    this.socket.unref();
  }

  close(): void {
    this.watch.stop();
    this.socket.close();
  }
}

/** Undefined for messages of other families. Throws NetlinkError for a malformed one. */
export function decodeRouteEvent(message: NetlinkMessage): RouteEvent | undefined {
  const { type, body } = message;
  const family = body.length === 0 ? undefined : body.readUInt8(0);
  switch (type) {
    case RTM_NEWLINK:
    case RTM_DELLINK: {
      if (family !== undefined && family !== AF_UNSPEC) return undefined;
      const link = wellFormed(decodeLink(body), 'link');
      return { kind: type === RTM_NEWLINK ? 'link-changed' : 'link-removed', link };
    }
    case RTM_NEWADDR:
    case RTM_DELADDR: {
      if (family !== undefined && !IP_FAMILIES.includes(family)) return undefined;
      const address = wellFormed(decodeAddress(body), 'address');
      return { kind: type === RTM_NEWADDR ? 'address-added' : 'address-removed', address };
    }
    case RTM_NEWROUTE:
    case RTM_DELROUTE: {
      if (family !== undefined && !IP_FAMILIES.includes(family)) return undefined;
      const route = wellFormed(decodeRoute(body), 'route');
      return { kind: type === RTM_NEWROUTE ? 'route-added' : 'route-removed', route };
    }
    default:
      return undefined;
  }
}

function wellFormed<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw new NetlinkError('NETLINK_MALFORMED', `unreadable event about a ${what}`);
  return value;
}
