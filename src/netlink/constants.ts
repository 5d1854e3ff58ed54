/** What all netlink families share. Source: linux/netlink.h. */

export const NETLINK_ROUTE = 0;
export const NETLINK_NETFILTER = 12;
export const NETLINK_GENERIC = 16;

export const NLMSG_NOOP = 1;
export const NLMSG_ERROR = 2;
export const NLMSG_DONE = 3;
export const NLMSG_OVERRUN = 4;

/** Markers around a transaction of nfnetlink (linux/netfilter/nfnetlink.h); other families use these numbers themselves. */
export const NFNL_MSG_BATCH_BEGIN = 0x10;
export const NFNL_MSG_BATCH_END = 0x11;

export const NLM_F_REQUEST = 0x1;
export const NLM_F_ACK = 0x4;
/** In a dump: what it shows changed while it was being made. */
export const NLM_F_DUMP_INTR = 0x10;

/** Of requests that get. */
export const NLM_F_DUMP = 0x300;

/** Of requests that make something new. */
export const NLM_F_EXCL = 0x200;
export const NLM_F_CREATE = 0x400;
export const NLM_F_APPEND = 0x800;

/** Of an NLMSG_ERROR: the request is not repeated in it, only its header; attributes follow. */
export const NLM_F_CAPPED = 0x100;
export const NLM_F_ACK_TLVS = 0x200;

export const NLMSGERR_ATTR_MSG = 1;
export const NLMSGERR_ATTR_OFFS = 2;

export const SOL_NETLINK = 270;
export const NETLINK_NO_ENOBUFS = 5;
export const NETLINK_CAP_ACK = 10;
export const NETLINK_EXT_ACK = 11;
export const NETLINK_GET_STRICT_CHK = 12;
