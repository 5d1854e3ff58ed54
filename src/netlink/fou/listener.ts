/** FOU listeners: UDP ports of the kernel's whose payloads go on as packets of an IP protocol. */
import { attribute, AttributeDecoder, be16, u32, u8 } from '../attributes.js';
import { GENL_HDRLEN } from '../genl/family.js';
import { formatIpv4, formatIpv6, parseIpv4 } from '../ip-address.js';
import {
  AF_INET,
  AF_INET6,
  FOU_ATTR_AF,
  FOU_ATTR_IFINDEX,
  FOU_ATTR_IPPROTO,
  FOU_ATTR_LOCAL_V4,
  FOU_ATTR_LOCAL_V6,
  FOU_ATTR_PEER_PORT,
  FOU_ATTR_PEER_V4,
  FOU_ATTR_PEER_V6,
  FOU_ATTR_PORT,
  FOU_ATTR_TYPE,
  FOU_ENCAP_DIRECT,
  FOU_ENCAP_GUE,
} from './constants.js';

/** Where an IPv4 listener listens; together its identity. */
export interface FouKey {
  readonly port: number;
  /** Undefined for any address. */
  readonly local?: string;
  /** Index of the device to listen on; undefined for all. */
  readonly ifindex?: number;
  /** Only what comes from this address and port. */
  readonly peer?: string;
  readonly peerPort?: number;
}

/** What the payload is: packets of one IP protocol, e.g. 4, or packets that say so themselves. */
export type FouPayload = { readonly type: 'fou'; readonly ipproto: number } | { readonly type: 'gue' };

export type FouListenerSpec = FouKey & FouPayload;

/** A listener as the kernel shows it. */
export type FouListener = FouListenerSpec & { readonly family: 'ipv4' | 'ipv6' };

/** FOU_ATTR_PORT be16, AF u8, LOCAL_V4 be32?, PEER_V4 be32?, PEER_PORT be16?, IFINDEX s32? */
export function encodeFouKey(key: FouKey): Buffer[] {
  const parts = [be16(FOU_ATTR_PORT, key.port), u8(FOU_ATTR_AF, AF_INET)];
  if (key.local !== undefined) parts.push(attribute(FOU_ATTR_LOCAL_V4, parseIpv4(key.local)));
  if (key.peer !== undefined) parts.push(attribute(FOU_ATTR_PEER_V4, parseIpv4(key.peer)));
  if (key.peerPort !== undefined) parts.push(be16(FOU_ATTR_PEER_PORT, key.peerPort));
  if (key.ifindex !== undefined) parts.push(u32(FOU_ATTR_IFINDEX, key.ifindex));
  return parts;
}

/** The key's attributes, FOU_ATTR_TYPE u8, IPPROTO u8 (not with GUE: the kernel refuses a 0) */
export const encodeFouListener = (spec: FouListenerSpec): Buffer[] => [
  ...encodeFouKey(spec),
  ...(spec.type === 'gue'
    ? [u8(FOU_ATTR_TYPE, FOU_ENCAP_GUE)]
    : [u8(FOU_ATTR_TYPE, FOU_ENCAP_DIRECT), u8(FOU_ATTR_IPPROTO, spec.ipproto)]),
];

/** Reads one message of the dump. Undefined for what is malformed or of a kind unknown to linux/fou.h. */
export function decodeFouListener(body: Buffer): FouListener | undefined {
  const attributes = new AttributeDecoder(body.subarray(GENL_HDRLEN));
  const port = attributes.be16(FOU_ATTR_PORT);
  const family = FAMILIES.get(attributes.u8(FOU_ATTR_AF) ?? AF_INET);
  const payload = payloadOf(attributes.u8(FOU_ATTR_TYPE), attributes.u8(FOU_ATTR_IPPROTO));
  const [local, peer] =
    family === 'ipv6'
      ? [formatIpv6(attributes.bytes(FOU_ATTR_LOCAL_V6)), formatIpv6(attributes.bytes(FOU_ATTR_PEER_V6))]
      : [formatIpv4(attributes.bytes(FOU_ATTR_LOCAL_V4)), formatIpv4(attributes.bytes(FOU_ATTR_PEER_V4))];
  const peerPort = attributes.be16(FOU_ATTR_PEER_PORT) ?? 0;
  const ifindex = attributes.u32(FOU_ATTR_IFINDEX) ?? 0;
  if (port === undefined || family === undefined || payload === undefined || attributes.fault !== undefined) {
    return undefined;
  }
  return {
    port,
    family,
    ...payload,
    ...(local !== undefined && !UNSPECIFIED.has(local) && { local }),
    ...(peer !== undefined && !UNSPECIFIED.has(peer) && { peer }),
    ...(peerPort !== 0 && { peerPort }),
    ...(ifindex !== 0 && { ifindex }),
  };
}

const FAMILIES: ReadonlyMap<number, FouListener['family']> = new Map([
  [AF_INET, 'ipv4'],
  [AF_INET6, 'ipv6'],
]);

function payloadOf(type = FOU_ENCAP_DIRECT, ipproto = 0): FouPayload | undefined {
  if (type === FOU_ENCAP_GUE) return { type: 'gue' };
  return type === FOU_ENCAP_DIRECT ? { type: 'fou', ipproto } : undefined;
}

/** How the kernel shows an address that was not given. */
const UNSPECIFIED: ReadonlySet<string> = new Set(['0.0.0.0', '::']);
