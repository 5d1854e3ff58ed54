/**
 * Acknowledgements and ends of dumps.
 *
 *     NLMSG_ERROR   s32 -errno, struct nlmsghdr of the request, [rest of the request], [attributes]
 *     NLMSG_DONE    s32 -errno, [attributes]
 *
 * The rest of the request is there unless NLM_F_CAPPED is set, the attributes are there if NLM_F_ACK_TLVS is
 * (linux/netlink.h, netlink_ack() and netlink_dump_done() of Linux 6.1).
 */
import { align4, AttributeDecoder } from './attributes.js';
import { NLM_F_ACK_TLVS, NLM_F_CAPPED, NLMSG_ERROR, NLMSGERR_ATTR_MSG, NLMSGERR_ATTR_OFFS } from './constants.js';
import type { Acknowledgement } from './errors.js';
import { NLMSG_HDRLEN, type NetlinkMessage } from './message.js';

const ERRNO_LENGTH = 4;

/** Reads an NLMSG_ERROR or NLMSG_DONE. Undefined for one that is too short; faulty attributes are left out. */
export function decodeAcknowledgement(message: NetlinkMessage): Acknowledgement | undefined {
  const { type, flags, body } = message;
  const fixedLength = type === NLMSG_ERROR ? ERRNO_LENGTH + NLMSG_HDRLEN : ERRNO_LENGTH;
  if (body.length < fixedLength) return undefined;
  const errno = Math.abs(body.readInt32LE(0));
  if ((flags & NLM_F_ACK_TLVS) === 0) return { errno };

  let start = fixedLength;
  if (type === NLMSG_ERROR && (flags & NLM_F_CAPPED) === 0) {
    start = ERRNO_LENGTH + align4(Math.min(body.readUInt32LE(ERRNO_LENGTH), body.length));
  }
  const attributes = new AttributeDecoder(body.subarray(start));
  const kernelMessage = attributes.text(NLMSGERR_ATTR_MSG);
  const attributeOffset = attributes.u32(NLMSGERR_ATTR_OFFS);
  return {
    errno,
    ...(kernelMessage !== undefined && { kernelMessage }),
    ...(attributeOffset !== undefined && { attributeOffset }),
  };
}
