/**
 * The frame of every nf_tables message: nlmsghdr (the socket writes it), then
 *
 *     struct nfgenmsg { u8 nfgen_family; u8 version = 0; be16 res_id; }  attributes      (linux/netfilter/nfnetlink.h)
 *
 * The message type is the subsystem in the high byte and NFT_MSG_* in the low one.
 */
import { be32 } from '../attributes.js';
import { NFNL_MSG_BATCH_BEGIN, NFNL_MSG_BATCH_END } from '../constants.js';
import type { NetlinkRequest } from '../socket.js';
import {
  NFNETLINK_V0,
  NFNL_BATCH_GENID,
  NFNL_SUBSYS_NFTABLES,
  NFPROTO_ARP,
  NFPROTO_BRIDGE,
  NFPROTO_INET,
  NFPROTO_IPV4,
  NFPROTO_IPV6,
  NFPROTO_NETDEV,
} from './constants.js';
import { decoded, faulty, type Decoded } from './decoded.js';

export const NFGENMSG_LENGTH = 4;

const familyNumbers = {
  inet: NFPROTO_INET,
  ip: NFPROTO_IPV4,
  arp: NFPROTO_ARP,
  netdev: NFPROTO_NETDEV,
  bridge: NFPROTO_BRIDGE,
  ip6: NFPROTO_IPV6,
} as const;

/** The families of tables. */
export type Family = keyof typeof familyNumbers;

const familiesByNumber = new Map(
  Object.entries(familyNumbers).map(([name, number]) => [number as number, name as Family]),
);

/** A message about one family's objects. */
export function encodeNftMessage(
  command: number,
  flags: number,
  family: Family,
  attributes: readonly Buffer[],
): NetlinkRequest {
  const head = Buffer.of(familyNumbers[family], NFNETLINK_V0, 0, 0);
  return { type: messageType(command), flags, body: Buffer.concat([head, ...attributes]) };
}

/** A question about no family in particular (NFT_MSG_GETGEN). */
export const encodeUnspecific = (command: number, flags: number): NetlinkRequest => ({
  type: messageType(command),
  flags,
  body: Buffer.alloc(NFGENMSG_LENGTH),
});

/**
 * The message that opens a batch: nfgenmsg with the subsystem in `res_id`, then
 *
 *     [NFNL_BATCH_GENID be32]   the batch is refused (ERESTART) unless the ruleset still has this generation
 */
export const encodeBatchBegin = (generation?: number): NetlinkRequest => ({
  type: NFNL_MSG_BATCH_BEGIN,
  flags: 0,
  body: Buffer.concat([batchFrame(), ...(generation === undefined ? [] : [be32(NFNL_BATCH_GENID, generation)])]),
});

/** The message that closes a batch; without it the kernel commits nothing. */
export const encodeBatchEnd = (): NetlinkRequest => ({ type: NFNL_MSG_BATCH_END, flags: 0, body: batchFrame() });

/** What a message of the kernel is about. */
export interface Header {
  /** NFT_MSG_*, or undefined in a message of another subsystem. */
  readonly command: number | undefined;
  /** undefined in messages that concern no single family. */
  readonly family: Family | undefined;
  readonly attributes: Buffer;
}

/** Reads the frame of a message with this `type` and the `body` behind its nlmsghdr. */
export function decodeNftMessage(type: number, body: Buffer): Decoded<Header> {
  if (body.length < NFGENMSG_LENGTH) return faulty(`a body of ${body.length} bytes has no nfgenmsg`);
  return decoded({
    command: type >> 8 === NFNL_SUBSYS_NFTABLES ? type & 0xff : undefined,
    family: familiesByNumber.get(body.readUInt8(0)),
    attributes: body.subarray(NFGENMSG_LENGTH),
  });
}

const messageType = (command: number): number => (NFNL_SUBSYS_NFTABLES << 8) | command;

const batchFrame = (): Buffer => Buffer.of(0, NFNETLINK_V0, 0, NFNL_SUBSYS_NFTABLES);
