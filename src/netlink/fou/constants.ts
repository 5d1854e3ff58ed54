/** FOU (IP protocols over UDP). Source: linux/fou.h. */

export const FOU_GENL_NAME = 'fou';
export const FOU_GENL_VERSION = 1;

export const FOU_CMD_ADD = 1;
export const FOU_CMD_DEL = 2;
export const FOU_CMD_GET = 3;

export const FOU_ATTR_PORT = 1;
export const FOU_ATTR_AF = 2;
export const FOU_ATTR_IPPROTO = 3;
export const FOU_ATTR_TYPE = 4;
export const FOU_ATTR_LOCAL_V4 = 6;
export const FOU_ATTR_LOCAL_V6 = 7;
export const FOU_ATTR_PEER_V4 = 8;
export const FOU_ATTR_PEER_V6 = 9;
export const FOU_ATTR_PEER_PORT = 10;
export const FOU_ATTR_IFINDEX = 11;

/** Every packet is of the one IP protocol given. */
export const FOU_ENCAP_DIRECT = 1;
/** Packets say what they carry in a header of their own (draft-ietf-intarea-gue). */
export const FOU_ENCAP_GUE = 2;

export const AF_INET = 2;
export const AF_INET6 = 10;

export const IPPROTO_IPIP = 4;
