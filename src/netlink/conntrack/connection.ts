/**
 * Tracked connections: bodies of IPCTNL_MSG_CT_*.
 *
 *     struct nfgenmsg { u8 nfgen_family; u8 version; be16 res_id; }
 *     CTA_TUPLE_ORIG  { CTA_TUPLE_IP { CTA_IP_V4_SRC, CTA_IP_V4_DST }, CTA_TUPLE_PROTO { CTA_PROTO_NUM u8, … ports be16 } }
 *     CTA_TUPLE_REPLY   the same, as the answers have it: behind a translation not just turned round
 *     CTA_TIMEOUT be32, CTA_ID be32, CTA_ZONE be16?
 */
import { attribute, AttributeDecoder, be16, be32, nested, u32 } from '../attributes.js';
import { NFPROTO_IPV4, NFPROTO_IPV6 } from '../nftables/constants.js';
import { NFGENMSG_LENGTH } from '../nftables/message.js';
import {
  CTA_FILTER,
  CTA_FILTER_F_CTA_IP_DST,
  CTA_FILTER_ORIG_FLAGS,
  CTA_FILTER_REPLY_FLAGS,
  CTA_ID,
  CTA_IP_V4_DST,
  CTA_IP_V4_SRC,
  CTA_IP_V6_DST,
  CTA_IP_V6_SRC,
  CTA_PROTO_DST_PORT,
  CTA_PROTO_NUM,
  CTA_PROTO_SRC_PORT,
  CTA_TIMEOUT,
  CTA_TUPLE_IP,
  CTA_TUPLE_ORIG,
  CTA_TUPLE_PROTO,
  CTA_TUPLE_REPLY,
  CTA_ZONE,
} from './constants.js';

export type ConnectionFamily = 'ip' | 'ip6';

/** Addresses in network byte order, 4 or 16 bytes. */
export interface Tuple {
  readonly source: Buffer;
  readonly destination: Buffer;
  readonly protocol: number;
  /** Of protocols that have ports. */
  readonly sourcePort?: number;
  readonly destinationPort?: number;
}

export interface Connection {
  readonly family: ConnectionFamily;
  readonly original: Tuple;
  readonly reply: Tuple;
  readonly id: number;
  readonly timeoutSeconds: number;
  /** What names it to the kernel again. */
  readonly key: { readonly tuple: Buffer; readonly zone: number | undefined };
}

const NFPROTO: Readonly<Record<ConnectionFamily, number>> = { ip: NFPROTO_IPV4, ip6: NFPROTO_IPV6 };
const ADDRESSES = {
  ip: { source: CTA_IP_V4_SRC, destination: CTA_IP_V4_DST, bytes: 4 },
  ip6: { source: CTA_IP_V6_SRC, destination: CTA_IP_V6_DST, bytes: 16 },
} as const;

/**
 * Asks for the IPv4 connections whose answers go to this address. Not for IPv6: there the kernel compares the wrong way
 * round, and lists those of every other address (net/netfilter/nf_conntrack_netlink.c; seen on Linux 6.18).
 *
 *     CTA_TUPLE_REPLY { CTA_TUPLE_IP { CTA_IP_V4_DST } }, CTA_FILTER { ORIG_FLAGS u32 = 0, REPLY_FLAGS u32 = IP_DST }
 */
export const encodeConnectionsTo = (replyDestination: Buffer): Buffer =>
  Buffer.concat([
    head('ip'),
    nested(CTA_TUPLE_REPLY, [nested(CTA_TUPLE_IP, [attribute(CTA_IP_V4_DST, replyDestination)])]),
    nested(CTA_FILTER, [u32(CTA_FILTER_ORIG_FLAGS, 0), u32(CTA_FILTER_REPLY_FLAGS, CTA_FILTER_F_CTA_IP_DST)]),
  ]);

/** Asks for all connections of the family. */
export const encodeConnections = (family: ConnectionFamily): Buffer => head(family);

/** CTA_TUPLE_ORIG, CTA_ID be32, CTA_ZONE be16?: by its number too, which a later one rarely has. */
export const encodeConnectionKey = ({ family, id, key }: Connection): Buffer =>
  Buffer.concat([
    head(family),
    attribute(CTA_TUPLE_ORIG | NESTED, key.tuple),
    be32(CTA_ID, id),
    ...(key.zone === undefined ? [] : [be16(CTA_ZONE, key.zone)]),
  ]);

/** Undefined for what is malformed, or of another family. Total. */
export function decodeConnection(body: Buffer): Connection | undefined {
  const family = body.length < NFGENMSG_LENGTH ? undefined : FAMILIES.find((one) => NFPROTO[one] === body[0]);
  if (family === undefined) return undefined;
  const attributes = new AttributeDecoder(body.subarray(NFGENMSG_LENGTH));
  const original = decodeTuple(attributes.nested(CTA_TUPLE_ORIG), family);
  const reply = decodeTuple(attributes.nested(CTA_TUPLE_REPLY), family);
  const tuple = attributes.bytes(CTA_TUPLE_ORIG);
  const id = attributes.be32(CTA_ID);
  const zone = attributes.be16(CTA_ZONE);
  const timeoutSeconds = attributes.be32(CTA_TIMEOUT) ?? 0;
  if (attributes.fault !== undefined || !original || !reply || !tuple || id === undefined) return undefined;
  return { family, original, reply, id, timeoutSeconds, key: { tuple, zone } };
}

function decodeTuple(attributes: AttributeDecoder | undefined, family: ConnectionFamily): Tuple | undefined {
  const names = ADDRESSES[family];
  const addresses = attributes?.nested(CTA_TUPLE_IP);
  const proto = attributes?.nested(CTA_TUPLE_PROTO);
  const source = addresses?.bytes(names.source);
  const destination = addresses?.bytes(names.destination);
  const protocol = proto?.u8(CTA_PROTO_NUM);
  const sourcePort = proto?.be16(CTA_PROTO_SRC_PORT);
  const destinationPort = proto?.be16(CTA_PROTO_DST_PORT);
  if (source?.length !== names.bytes || destination?.length !== names.bytes || protocol === undefined) return undefined;
  return {
    source,
    destination,
    protocol,
    ...(sourcePort !== undefined && { sourcePort }),
    ...(destinationPort !== undefined && { destinationPort }),
  };
}

const FAMILIES: readonly ConnectionFamily[] = ['ip', 'ip6'];
/** NLA_F_NESTED, for an attribute that is handed back as it came. */
const NESTED = 0x8000;
const head = (family: ConnectionFamily): Buffer => Buffer.of(NFPROTO[family], 0, 0, 0);
