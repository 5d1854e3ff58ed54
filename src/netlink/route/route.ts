/**
 * Routes, of both IP versions: bodies of RTM_NEWROUTE, RTM_DELROUTE and RTM_GETROUTE.
 *
 *     struct rtmsg { u8 family, dst_len, src_len, tos, table, protocol, scope, type; u32 flags; }  attributes
 *
 * Numbers in host byte order (linux/rtnetlink.h).
 */
import { attribute, AttributeDecoder, nested, u32 } from '../attributes.js';
import { parseIp } from '../ip-address.js';
import { familyOf, ipReader } from './address.js';
import {
  AF_INET,
  AF_INET6,
  RT_SCOPE_HOST,
  RT_SCOPE_LINK,
  RT_SCOPE_UNIVERSE,
  RT_TABLE_LOCAL,
  RT_TABLE_MAIN,
  RT_TABLE_UNSPEC,
  RTA_DST,
  RTA_GATEWAY,
  RTA_IIF,
  RTA_MARK,
  RTA_METRICS,
  RTA_MULTIPATH,
  RTA_OIF,
  RTA_PREFSRC,
  RTA_PRIORITY,
  RTA_SRC,
  RTA_TABLE,
  RTAX_MTU,
  RTM_F_LOOKUP_TABLE,
  RTN_LOCAL,
  RTN_UNICAST,
  RTPROT_STATIC,
} from './constants.js';

const RTMSG_LENGTH = 12;

export interface RouteSpec {
  readonly destination: string;
  readonly prefixLength: number;
  /** RTN_*; default unicast. */
  readonly type?: number;
  /** Default: RT_TABLE_LOCAL for a local route, RT_TABLE_MAIN otherwise. */
  readonly table?: number;
  /** RT_SCOPE_*; default: host for local routes, universe with a gateway or without a device, link otherwise. */
  readonly scope?: number;
  /** RTPROT_*, who made it; default static. 0 in a deletion means whoever. */
  readonly protocol?: number;
  /** Index of the device that packets leave by. */
  readonly outInterface?: number;
  readonly gateway?: string;
  readonly preferredSource?: string;
  /** The metric; lower wins. */
  readonly priority?: number;
  readonly mtu?: number;
}

/** A route as the kernel shows it. */
export interface Route extends RouteSpec {
  readonly type: number;
  readonly table: number;
  readonly scope: number;
  readonly protocol: number;
  /** RTM_F_* and RTNH_F_* bits. */
  readonly flags: number;
  /** It has several next hops, which are not shown here. */
  readonly multipath: boolean;
}

/** What a packet is like whose route is asked for. */
export interface RouteQuery {
  readonly from?: string;
  /** Index of the device it must leave by. */
  readonly oif?: number;
  /** Index of the device it came in by, for a forwarded packet. */
  readonly iif?: number;
  readonly mark?: number;
}

/**
 *     rtmsg, RTA_DST, RTA_TABLE u32, RTA_OIF u32?, RTA_GATEWAY?, RTA_PREFSRC?, RTA_PRIORITY u32?,
 *     RTA_METRICS { RTAX_MTU u32 }?
 *
 * Addresses are 4 or 16 bytes in network byte order.
 */
export function encodeRoute(spec: RouteSpec): Buffer {
  const type = spec.type ?? RTN_UNICAST;
  const table = spec.table ?? (type === RTN_LOCAL ? RT_TABLE_LOCAL : RT_TABLE_MAIN);
  const destination = parseIp(spec.destination);
  const parts = [
    routeHeader(familyOf(destination), {
      ...spec,
      type,
      scope: spec.scope ?? usualScope(type, spec),
      protocol: spec.protocol ?? RTPROT_STATIC,
    }),
    attribute(RTA_DST, destination),
    u32(RTA_TABLE, table),
  ];
  if (spec.outInterface !== undefined) parts.push(u32(RTA_OIF, spec.outInterface));
  if (spec.gateway !== undefined) parts.push(attribute(RTA_GATEWAY, parseIp(spec.gateway)));
  if (spec.preferredSource !== undefined) parts.push(attribute(RTA_PREFSRC, parseIp(spec.preferredSource)));
  if (spec.priority !== undefined) parts.push(u32(RTA_PRIORITY, spec.priority));
  if (spec.mtu !== undefined) parts.push(nested(RTA_METRICS, [u32(RTAX_MTU, spec.mtu)]));
  return Buffer.concat(parts);
}

/** Asks for a family's (AF_*) routes of one table, or by one device of it. Kernels without strict checking send all. */
export const encodeRouteDump = (family: number, table: number, outInterface?: number): Buffer =>
  Buffer.concat([
    routeHeader(family, {}),
    u32(RTA_TABLE, table),
    ...(outInterface === undefined ? [] : [u32(RTA_OIF, outInterface)]),
  ]);

/**
 *     rtmsg, RTA_DST, RTA_SRC?, RTA_OIF u32?, RTA_IIF u32?, RTA_MARK u32?
 *
 * With RTM_F_LOOKUP_TABLE, which IPv6 refuses and does anyway.
 */
export function encodeRouteQuery(destination: string, query: RouteQuery): Buffer {
  const address = parseIp(destination);
  const family = familyOf(address);
  const prefixLength = address.length * 8;
  const sourceLength = query.from === undefined ? 0 : prefixLength;
  const parts = [
    routeHeader(family, { prefixLength, sourceLength, flags: family === AF_INET ? RTM_F_LOOKUP_TABLE : 0 }),
    attribute(RTA_DST, address),
  ];
  if (query.from !== undefined) parts.push(attribute(RTA_SRC, parseIp(query.from)));
  if (query.oif !== undefined) parts.push(u32(RTA_OIF, query.oif));
  if (query.iif !== undefined) parts.push(u32(RTA_IIF, query.iif));
  if (query.mark !== undefined) parts.push(u32(RTA_MARK, query.mark));
  return Buffer.concat(parts);
}

/** Reads the body of an RTM_NEWROUTE or RTM_DELROUTE. Undefined for what is malformed or of another family than IP's. */
export function decodeRoute(body: Buffer): Route | undefined {
  const family = body.length < RTMSG_LENGTH ? undefined : body.readUInt8(0);
  if (family !== AF_INET && family !== AF_INET6) return undefined;
  const of = ipReader(family);
  const attributes = new AttributeDecoder(body.subarray(RTMSG_LENGTH));
  const outInterface = attributes.u32(RTA_OIF);
  const gateway = of(attributes.bytes(RTA_GATEWAY));
  const preferredSource = of(attributes.bytes(RTA_PREFSRC));
  const priority = attributes.u32(RTA_PRIORITY);
  const mtu = attributes.nested(RTA_METRICS)?.u32(RTAX_MTU);
  const route = {
    destination: of(attributes.bytes(RTA_DST)) ?? (family === AF_INET ? '0.0.0.0' : '::'),
    prefixLength: body.readUInt8(1),
    table: attributes.u32(RTA_TABLE) ?? body.readUInt8(4),
    protocol: body.readUInt8(5),
    scope: body.readUInt8(6),
    type: body.readUInt8(7),
    flags: body.readUInt32LE(8),
    multipath: attributes.has(RTA_MULTIPATH),
    ...(outInterface !== undefined && { outInterface }),
    ...(gateway !== undefined && { gateway }),
    ...(preferredSource !== undefined && { preferredSource }),
    ...(priority !== undefined && { priority }),
    ...(mtu !== undefined && { mtu }),
  };
  return attributes.fault === undefined ? route : undefined;
}

interface HeaderFields {
  readonly prefixLength?: number;
  readonly sourceLength?: number;
  readonly protocol?: number;
  readonly scope?: number;
  readonly type?: number;
  readonly flags?: number;
}

/** The table goes by RTA_TABLE only, since it may not fit in the header's byte. */
function routeHeader(family: number, fields: HeaderFields): Buffer {
  const header = Buffer.alloc(RTMSG_LENGTH);
  header.writeUInt8(family, 0);
  header.writeUInt8(fields.prefixLength ?? 0, 1);
  header.writeUInt8(fields.sourceLength ?? 0, 2);
  header.writeUInt8(RT_TABLE_UNSPEC, 4);
  header.writeUInt8(fields.protocol ?? 0, 5);
  header.writeUInt8(fields.scope ?? 0, 6);
  header.writeUInt8(fields.type ?? 0, 7);
  header.writeUInt32LE(fields.flags ?? 0, 8);
  return header;
}

/** As iproute2 chooses. */
function usualScope(type: number, spec: RouteSpec): number {
  if (type === RTN_LOCAL) return RT_SCOPE_HOST;
  return type === RTN_UNICAST && spec.gateway === undefined ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE;
}
