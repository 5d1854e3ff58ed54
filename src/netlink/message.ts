/**
 * Netlink messages.
 *
 *     struct nlmsghdr { u32 nlmsg_len; u16 nlmsg_type; u16 nlmsg_flags; u32 nlmsg_seq; u32 nlmsg_pid; }
 *
 * Host byte order (linux/netlink.h). `nlmsg_len` covers header and body; the next message of a datagram starts at the
 * next multiple of 4.
 */
import { align4 } from './attributes.js';

export const NLMSG_HDRLEN = 16;

export interface NetlinkMessage {
  readonly type: number;
  /** NLM_F_* bits. */
  readonly flags: number;
  readonly sequence: number;
  /** In what the kernel sends: the port of the socket whose request caused it, 0 where none did. */
  readonly portId: number;
  readonly body: Buffer;
}

/** One message, padded. */
export function encodeMessage(message: NetlinkMessage): Buffer {
  const length = NLMSG_HDRLEN + message.body.length;
  const out = Buffer.alloc(align4(length));
  out.writeUInt32LE(length, 0);
  out.writeUInt16LE(message.type, 4);
  out.writeUInt16LE(message.flags, 6);
  out.writeUInt32LE(message.sequence, 8);
  out.writeUInt32LE(message.portId, 12);
  message.body.copy(out, NLMSG_HDRLEN);
  return out;
}

/**
 * The messages of one datagram. Total: where a header lies, what stands before it is returned together with a fault in
 * words. Bodies are views into the datagram.
 */
export function decodeMessages(datagram: Buffer): { messages: NetlinkMessage[]; fault?: string } {
  const messages: NetlinkMessage[] = [];
  let offset = 0;
  while (offset < datagram.length) {
    const left = datagram.length - offset;
    if (left < NLMSG_HDRLEN) return { messages, fault: `${left} bytes left behind the last message` };
    const length = datagram.readUInt32LE(offset);
    if (length < NLMSG_HDRLEN || length > left) {
      return { messages, fault: `message at byte ${offset} claims ${length} of ${left} bytes` };
    }
    messages.push({
      type: datagram.readUInt16LE(offset + 4),
      flags: datagram.readUInt16LE(offset + 6),
      sequence: datagram.readUInt32LE(offset + 8),
      portId: datagram.readUInt32LE(offset + 12),
      body: datagram.subarray(offset + NLMSG_HDRLEN, offset + length),
    });
    offset += align4(length);
  }
  return { messages };
}
