/**
 * Network devices: bodies of RTM_NEWLINK, RTM_DELLINK and RTM_GETLINK.
 *
 *     struct ifinfomsg { u8 family; u8 pad; u16 type; s32 index; u32 flags; u32 change; }  attributes
 *
 * Host byte order (linux/rtnetlink.h).
 */
import { attribute, AttributeDecoder, nested, text, u32, u8 } from '../attributes.js';
import {
  AF_INET6,
  AF_UNSPEC,
  IFF_UP,
  IFLA_ADDRESS,
  IFLA_AF_SPEC,
  IFLA_EXT_MASK,
  IFLA_GROUP,
  IFLA_GSO_MAX_SEGS,
  IFLA_IFALIAS,
  IFLA_IFNAME,
  IFLA_INET6_ADDR_GEN_MODE,
  IFLA_INFO_DATA,
  IFLA_INFO_KIND,
  IFLA_LINK,
  IFLA_LINKINFO,
  IFLA_MTU,
  IFLA_OPERSTATE,
  RTEXT_FILTER_SKIP_STATS,
} from './constants.js';
import { decodeTunnel, encodeTunnel, isTunnelKind, type TunnelKind, type TunnelParameters } from './tunnel.js';

const IFINFOMSG_LENGTH = 16;
const IFNAME_MAX_BYTES = 15;
const IFALIAS_MAX_BYTES = 255;

/** A device as the kernel shows it. */
export interface Link {
  readonly index: number;
  readonly name: string;
  /** IFF_* bits. */
  readonly flags: number;
  readonly up: boolean;
  /** 0 where the message doesn't say. */
  readonly mtu: number;
  /** IF_OPER_* of RFC 2863: 6 is up, 0 unknown (what tunnels report). */
  readonly operState: number;
  readonly group: number;
  /** How many segments a packet for it may hold that is cut up only behind netfilter; 0 where the message doesn't say. */
  readonly gsoMaxSegments: number;
  readonly alias?: string;
  /** Of Ethernet 6 bytes; a device without one has none, or one of another length. */
  readonly hardwareAddress?: Buffer;
  /** What kind of virtual device, e.g. `ipip`; undefined for hardware. */
  readonly kind?: string;
  /** Index of the device below. */
  readonly lowerIndex?: number;
  /** Of an `ipip` or `sit` link. */
  readonly tunnel?: TunnelParameters;
}

/** What every device has. Undefined leaves it as it is. */
export interface LinkSettings {
  readonly up?: boolean;
  readonly mtu?: number;
  /** Free text; empty removes it. */
  readonly alias?: string;
  readonly group?: number;
  readonly gsoMaxSegments?: number;
  /** IN6_ADDR_GEN_MODE_*. Refused with EAFNOSUPPORT while the device has no IPv6, as below an MTU of 1280. */
  readonly addrGenMode?: number;
}

/** A device that is still to be made has no IPv6 to be set. */
export type LinkSpec = Omit<LinkSettings, 'addrGenMode'> & { readonly name: string } & (
    { readonly kind: 'dummy' } | { readonly kind: TunnelKind; readonly tunnel: TunnelParameters }
  );

/**
 *     ifinfomsg, IFLA_IFNAME, IFLA_MTU?, IFLA_GROUP?, IFLA_LINKINFO { IFLA_INFO_KIND, IFLA_INFO_DATA { … } }
 *
 * Without the alias: the kernel ignores it in a message that makes a link.
 */
export function encodeNewLink(spec: LinkSpec): Buffer {
  const kind = [attribute(IFLA_INFO_KIND, Buffer.from(spec.kind))];
  if (spec.kind !== 'dummy') kind.push(nested(IFLA_INFO_DATA, encodeTunnel(spec.tunnel, spec.kind)));
  return Buffer.concat([
    interfaceHeader(0, spec.up),
    interfaceName(spec.name),
    ...settings({ ...spec, alias: undefined }),
    nested(IFLA_LINKINFO, kind),
  ]);
}

/** ifinfomsg, IFLA_LINKINFO { IFLA_INFO_KIND, IFLA_INFO_DATA { … } } */
export function encodeTunnelChange(index: number, tunnel: TunnelParameters, kind: TunnelKind): Buffer {
  const name = attribute(IFLA_INFO_KIND, Buffer.from(kind));
  const info = nested(IFLA_LINKINFO, [name, nested(IFLA_INFO_DATA, encodeTunnel(tunnel, kind))]);
  return Buffer.concat([interfaceHeader(index), info]);
}

/**
 *     ifinfomsg, IFLA_MTU?, IFLA_GROUP?, IFLA_GSO_MAX_SEGS?, IFLA_IFALIAS?,
 *     IFLA_AF_SPEC { AF_INET6 { IFLA_INET6_ADDR_GEN_MODE u8 } }?
 */
export const encodeLinkSettings = (index: number, change: LinkSettings): Buffer =>
  Buffer.concat([interfaceHeader(index, change.up), ...settings(change)]);

/** ifinfomsg alone, which names a link by its index. */
export const encodeLinkIndex = (index: number): Buffer => interfaceHeader(index);

/** ifinfomsg, IFLA_EXT_MASK, IFLA_IFNAME? */
export function encodeLinkQuery(which: { readonly index?: number; readonly name?: string }): Buffer {
  const query = [interfaceHeader(which.index ?? 0), u32(IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS)];
  if (which.name !== undefined) query.push(interfaceName(which.name));
  return Buffer.concat(query);
}

/** ifinfomsg, IFLA_EXT_MASK, IFLA_LINKINFO { IFLA_INFO_KIND }? */
export function encodeLinkDump(kind?: string): Buffer {
  const query = [interfaceHeader(0), u32(IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS)];
  if (kind !== undefined) query.push(nested(IFLA_LINKINFO, [attribute(IFLA_INFO_KIND, Buffer.from(kind))]));
  return Buffer.concat(query);
}

/**
 * Reads the body of an RTM_NEWLINK or RTM_DELLINK. Undefined for what is malformed, and for messages about a bridge's
 * ports (family AF_BRIDGE): an RTM_DELLINK of theirs doesn't mean that the device is gone.
 */
export function decodeLink(body: Buffer): Link | undefined {
  if (body.length < IFINFOMSG_LENGTH || body.readUInt8(0) !== AF_UNSPEC) return undefined;
  const attributes = new AttributeDecoder(body.subarray(IFINFOMSG_LENGTH));
  const info = attributes.nested(IFLA_LINKINFO);
  const kind = info?.text(IFLA_INFO_KIND);
  const data = isTunnelKind(kind) ? info?.nested(IFLA_INFO_DATA) : undefined;
  const tunnel = isTunnelKind(kind) && data !== undefined ? decodeTunnel(data, kind) : undefined;
  const name = attributes.text(IFLA_IFNAME);
  const alias = attributes.text(IFLA_IFALIAS);
  const lowerIndex = attributes.u32(IFLA_LINK);
  const hardwareAddress = attributes.bytes(IFLA_ADDRESS);
  const flags = body.readUInt32LE(8);
  const link = {
    index: body.readInt32LE(4),
    flags,
    up: (flags & IFF_UP) !== 0,
    mtu: attributes.u32(IFLA_MTU) ?? 0,
    operState: attributes.u8(IFLA_OPERSTATE) ?? 0,
    group: attributes.u32(IFLA_GROUP) ?? 0,
    gsoMaxSegments: attributes.u32(IFLA_GSO_MAX_SEGS) ?? 0,
    ...(alias !== undefined && { alias }),
    ...(hardwareAddress !== undefined && { hardwareAddress: Buffer.from(hardwareAddress) }),
    ...(kind !== undefined && { kind }),
    ...(lowerIndex !== undefined && lowerIndex !== 0 && { lowerIndex }),
    ...(tunnel !== undefined && { tunnel }),
  };
  return name === undefined || attributes.fault !== undefined ? undefined : { ...link, name };
}

function interfaceHeader(index: number, up?: boolean): Buffer {
  const header = Buffer.alloc(IFINFOMSG_LENGTH);
  header.writeInt32LE(index, 4);
  header.writeUInt32LE(up === true ? IFF_UP : 0, 8);
  header.writeUInt32LE(up === undefined ? 0 : IFF_UP, 12);
  return header;
}

function settings(change: Omit<LinkSettings, 'alias'> & { readonly alias?: string | undefined }): Buffer[] {
  const list: Buffer[] = [];
  if (change.mtu !== undefined) list.push(u32(IFLA_MTU, change.mtu));
  if (change.group !== undefined) list.push(u32(IFLA_GROUP, change.group));
  if (change.gsoMaxSegments !== undefined) list.push(u32(IFLA_GSO_MAX_SEGS, change.gsoMaxSegments));
  if (change.alias !== undefined) list.push(attribute(IFLA_IFALIAS, bounded(change.alias, IFALIAS_MAX_BYTES, 'alias')));
  if (change.addrGenMode !== undefined) {
    list.push(nested(IFLA_AF_SPEC, [nested(AF_INET6, [u8(IFLA_INET6_ADDR_GEN_MODE, change.addrGenMode)])]));
  }
  return list;
}

function interfaceName(name: string): Buffer {
  bounded(name, IFNAME_MAX_BYTES, 'name');
  return text(IFLA_IFNAME, name);
}

function bounded(value: string, maxBytes: number, what: string): Buffer {
  const bytes = Buffer.from(value);
  if (bytes.length > maxBytes) throw new RangeError(`link ${what} longer than ${maxBytes} bytes: ${value}`);
  return bytes;
}
