/** Packet queues of netfilter. Sources: linux/netfilter/nfnetlink_queue.h, nfnetlink.h, netfilter.h. */

export const NFNL_SUBSYS_QUEUE = 3;

export const NFQNL_MSG_PACKET = 0;
export const NFQNL_MSG_VERDICT = 1;
export const NFQNL_MSG_CONFIG = 2;

export const NFQA_PACKET_HDR = 1;
export const NFQA_VERDICT_HDR = 2;
export const NFQA_MARK = 3;
export const NFQA_IFINDEX_INDEV = 5;
export const NFQA_PAYLOAD = 10;
/** The packet's length, where less of it was copied. */
export const NFQA_CAP_LEN = 13;

export const NFQA_CFG_CMD = 1;
export const NFQA_CFG_PARAMS = 2;
export const NFQA_CFG_QUEUE_MAXLEN = 3;
export const NFQA_CFG_MASK = 4;
export const NFQA_CFG_FLAGS = 5;

export const NFQNL_CFG_CMD_BIND = 1;

export const NFQNL_COPY_PACKET = 2;

/** A full queue lets packets pass instead of dropping them. */
export const NFQA_CFG_F_FAIL_OPEN = 1;
/** Packets of segmentation offload come whole. */
export const NFQA_CFG_F_GSO = 4;

export const NF_DROP = 0;
export const NF_ACCEPT = 1;

/** Our choice: what a datagram holds besides the copied packet, generously. */
export const PACKET_OVERHEAD_BYTES = 512;
