/** What rules of others are made of, beyond what our own use: linux/netfilter/nf_tables.h and the headers named. */

// enum nft_meta_keys
export const NFT_META_PKTTYPE = 19;

// enum nft_ct_keys, nft_ct_attributes
export const NFT_CT_STATE = 0;
export const NFTA_CT_DREG = 1;
export const NFTA_CT_KEY = 2;
/** NF_CT_STATE_BIT() of linux/netfilter/nf_conntrack_common.h, also XT_CONNTRACK_STATE_BIT(). */
export const STATE_ESTABLISHED = 2;
export const STATE_NEW = 8;

// linux/rtnetlink.h
export const RTN_LOCAL = 2;

// enum nft_nat_attributes, nft_nat_types
export const NFTA_NAT_TYPE = 1;
export const NFT_NAT_DNAT = 1;

// linux/netfilter/nf_tables_compat.h
export const NFTA_TARGET_NAME = 1;
export const NFTA_MATCH_NAME = 1;
export const NFTA_MATCH_REV = 2;
export const NFTA_MATCH_INFO = 3;

// linux/if_ether.h, linux/in.h, linux/if_packet.h
export const ETH_P_IP = 0x0800;
export const ETH_P_IPV6 = 0x86dd;
export const IPPROTO_UDP = 17;
export const NFPROTO_IPV4 = 2;
export const NFPROTO_IPV6 = 10;
export const PACKET_HOST = 0;
