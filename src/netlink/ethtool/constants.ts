/** Device settings. Source: linux/ethtool_netlink.h (UAPI), net/ethtool/common.c for the names of features. */

export const ETHTOOL_GENL_NAME = 'ethtool';
export const ETHTOOL_GENL_VERSION = 1;

export const ETHTOOL_MSG_FEATURES_SET = 12;

export const ETHTOOL_A_HEADER_DEV_INDEX = 1;
export const ETHTOOL_A_HEADER_FLAGS = 3;
/** The acknowledgement is enough. */
export const ETHTOOL_FLAG_OMIT_REPLY = 2;

export const ETHTOOL_A_FEATURES_HEADER = 1;
export const ETHTOOL_A_FEATURES_WANTED = 3;

export const ETHTOOL_A_BITSET_BITS = 3;
export const ETHTOOL_A_BITSET_BITS_BIT = 1;
export const ETHTOOL_A_BITSET_BIT_NAME = 2;
export const ETHTOOL_A_BITSET_BIT_VALUE = 3;

/** Checksums of any protocol are left to the device, which for a tunnel is the one below. */
export const NETIF_F_HW_CSUM = 'tx-checksum-ip-generic';
