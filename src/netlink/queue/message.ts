/**
 * Messages of packet queues: all have struct nfgenmsg first, and all numbers are in network byte order.
 *
 *     struct nfgenmsg { u8 family; u8 version; be16 res_id; }        res_id is the queue's number
 */
import { attribute, AttributeDecoder, be32 } from '../attributes.js';
import { NLM_F_REQUEST } from '../constants.js';
import { encodeMessage } from '../message.js';
import {
  NF_ACCEPT,
  NF_DROP,
  NFNL_SUBSYS_QUEUE,
  NFQA_CAP_LEN,
  NFQA_CFG_CMD,
  NFQA_CFG_F_FAIL_OPEN,
  NFQA_CFG_F_GSO,
  NFQA_CFG_FLAGS,
  NFQA_CFG_MASK,
  NFQA_CFG_PARAMS,
  NFQA_CFG_QUEUE_MAXLEN,
  NFQA_IFINDEX_INDEV,
  NFQA_MARK,
  NFQA_PACKET_HDR,
  NFQA_PAYLOAD,
  NFQA_VERDICT_HDR,
  NFQNL_CFG_CMD_BIND,
  NFQNL_COPY_PACKET,
  NFQNL_MSG_CONFIG,
  NFQNL_MSG_PACKET,
  NFQNL_MSG_VERDICT,
} from './constants.js';

const NFGENMSG_LENGTH = 4;
/** be32 packet_id, be16 hw_protocol, u8 hook */
const PACKET_HDR_LENGTH = 7;

export const PACKET_MESSAGE = (NFNL_SUBSYS_QUEUE << 8) | NFQNL_MSG_PACKET;
export const VERDICT_MESSAGE = (NFNL_SUBSYS_QUEUE << 8) | NFQNL_MSG_VERDICT;
export const CONFIG_MESSAGE = (NFNL_SUBSYS_QUEUE << 8) | NFQNL_MSG_CONFIG;

export interface QueuedPacket {
  /** What a verdict names it by; unique within its queue. */
  readonly id: number;
  /** Where it was queued: NF_INET_PRE_ROUTING 0, LOCAL_IN 1, FORWARD 2, LOCAL_OUT 3, POST_ROUTING 4. */
  readonly hook: number;
  /** Index of the device it came in by; 0 for a packet made here. */
  readonly inIfindex: number;
  readonly mark: number;
  /** From the IP header on; as much as the queue's copy range allows. */
  readonly payload: Buffer;
  /** The payload was cut. */
  readonly truncated: boolean;
}

export type Verdict = 'accept' | 'drop';

export interface QueueConfiguration {
  /** How many packets may wait for a verdict; more are dropped. */
  readonly maxLength: number;
  /** How many bytes of each packet to copy. */
  readonly copyRangeBytes: number;
}

/**
 * Binds a queue and sets it up, in one message:
 *
 *     nfgenmsg,
 *     NFQA_CFG_CMD          { u8 command = BIND, u8 pad, be16 pf = 0 }
 *     NFQA_CFG_PARAMS       { be32 copy_range, u8 copy_mode = PACKET }
 *     NFQA_CFG_QUEUE_MAXLEN be32
 *     NFQA_CFG_MASK         be32 FAIL_OPEN | GSO
 *     NFQA_CFG_FLAGS        be32 0: a full queue drops, and packets come in the size they have on the wire
 */
export function encodeQueueBinding(queueNumber: number, configuration: QueueConfiguration): Buffer {
  const parameters = Buffer.alloc(5);
  parameters.writeUInt32BE(configuration.copyRangeBytes, 0);
  parameters.writeUInt8(NFQNL_COPY_PACKET, 4);
  return Buffer.concat([
    queueHeader(queueNumber),
    attribute(NFQA_CFG_CMD, Buffer.of(NFQNL_CFG_CMD_BIND, 0, 0, 0)),
    attribute(NFQA_CFG_PARAMS, parameters),
    be32(NFQA_CFG_QUEUE_MAXLEN, configuration.maxLength),
    be32(NFQA_CFG_MASK, NFQA_CFG_F_FAIL_OPEN | NFQA_CFG_F_GSO),
    be32(NFQA_CFG_FLAGS, 0),
  ]);
}

/**
 * A whole message, header included, that asks for no answer; several may be sent as one datagram.
 *
 *     nfgenmsg, NFQA_VERDICT_HDR { be32 verdict, be32 id }
 */
export function encodeVerdict(queueNumber: number, id: number, verdict: Verdict): Buffer {
  const payload = Buffer.alloc(8);
  payload.writeUInt32BE(verdict === 'accept' ? NF_ACCEPT : NF_DROP, 0);
  payload.writeUInt32BE(id, 4);
  const body = Buffer.concat([queueHeader(queueNumber), attribute(NFQA_VERDICT_HDR, payload)]);
  // Sequence 0 marks what is said back to it as asked for by nobody.
  return encodeMessage({ type: VERDICT_MESSAGE, flags: NLM_F_REQUEST, sequence: 0, portId: 0, body });
}

/** Reads the body of an NFQNL_MSG_PACKET. Undefined for what is malformed; the payload is a view into it. */
export function decodeQueuedPacket(body: Buffer): QueuedPacket | undefined {
  if (body.length < NFGENMSG_LENGTH) return undefined;
  const attributes = new AttributeDecoder(body.subarray(NFGENMSG_LENGTH));
  const header = attributes.bytes(NFQA_PACKET_HDR);
  const payload = attributes.bytes(NFQA_PAYLOAD) ?? Buffer.alloc(0);
  const inIfindex = attributes.be32(NFQA_IFINDEX_INDEV) ?? 0;
  const mark = attributes.be32(NFQA_MARK) ?? 0;
  const originalLength = attributes.be32(NFQA_CAP_LEN);
  if (header?.length !== PACKET_HDR_LENGTH || attributes.fault !== undefined) return undefined;
  return {
    id: header.readUInt32BE(0),
    hook: header.readUInt8(6),
    inIfindex,
    mark,
    payload,
    truncated: originalLength !== undefined && originalLength > payload.length,
  };
}

function queueHeader(queueNumber: number): Buffer {
  const header = Buffer.alloc(NFGENMSG_LENGTH);
  header.writeUInt16BE(queueNumber, 2);
  return header;
}
