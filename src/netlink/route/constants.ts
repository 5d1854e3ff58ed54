/**
 * rtnetlink. Sources: linux/rtnetlink.h, fib_rules.h, pkt_sched.h, pkt_cls.h, tc_act/tc_skbedit.h, if_link.h, if_addr.h,
 * if_tunnel.h, if.h.
 */

export const RTM_NEWLINK = 16;
export const RTM_DELLINK = 17;
export const RTM_GETLINK = 18;
export const RTM_NEWADDR = 20;
export const RTM_DELADDR = 21;
export const RTM_GETADDR = 22;
export const RTM_NEWROUTE = 24;
export const RTM_DELROUTE = 25;
export const RTM_GETROUTE = 26;
export const RTM_NEWRULE = 32;
export const RTM_DELRULE = 33;
export const RTM_GETRULE = 34;
export const RTM_NEWQDISC = 36;
export const RTM_DELQDISC = 37;
export const RTM_NEWTFILTER = 44;
export const RTM_DELTFILTER = 45;
export const RTM_GETTFILTER = 46;

export const RTNLGRP_LINK = 1;
export const RTNLGRP_TC = 4;
export const RTNLGRP_IPV4_IFADDR = 5;
export const RTNLGRP_IPV4_ROUTE = 7;
export const RTNLGRP_IPV4_RULE = 8;
export const RTNLGRP_IPV6_IFADDR = 9;
export const RTNLGRP_IPV6_ROUTE = 11;
export const RTNLGRP_IPV6_RULE = 19;

export const AF_UNSPEC = 0;
export const AF_INET = 2;
export const AF_INET6 = 10;

export const IFF_UP = 0x1;

export const IFLA_ADDRESS = 1;
export const IFLA_IFNAME = 3;
export const IFLA_MTU = 4;
export const IFLA_LINK = 5;
export const IFLA_OPERSTATE = 16;
export const IFLA_LINKINFO = 18;
export const IFLA_IFALIAS = 20;
export const IFLA_AF_SPEC = 26;
export const IFLA_GROUP = 27;
export const IFLA_EXT_MASK = 29;
export const IFLA_GSO_MAX_SEGS = 40;

export const IFLA_INET6_ADDR_GEN_MODE = 8;
/** The device gets no link-local address by itself. */
export const IN6_ADDR_GEN_MODE_NONE = 1;

export const IFLA_INFO_KIND = 1;
export const IFLA_INFO_DATA = 2;

/** In IFLA_EXT_MASK: leave the counters out of the answer, which are most of it. */
export const RTEXT_FILTER_SKIP_STATS = 8;

export const IFLA_IPTUN_LINK = 1;
export const IFLA_IPTUN_LOCAL = 2;
export const IFLA_IPTUN_REMOTE = 3;
export const IFLA_IPTUN_TTL = 4;
export const IFLA_IPTUN_TOS = 5;
export const IFLA_IPTUN_PROTO = 9;
export const IFLA_IPTUN_PMTUDISC = 10;
export const IFLA_IPTUN_ENCAP_TYPE = 15;
export const IFLA_IPTUN_ENCAP_FLAGS = 16;
export const IFLA_IPTUN_ENCAP_SPORT = 17;
export const IFLA_IPTUN_ENCAP_DPORT = 18;

/** linux/in.h */
export const IPPROTO_IPIP = 4;

export const TUNNEL_ENCAP_NONE = 0;
export const TUNNEL_ENCAP_FOU = 1;
export const TUNNEL_ENCAP_FLAG_CSUM = 1;

export const IFA_ADDRESS = 1;
export const IFA_LOCAL = 2;
export const IFA_FLAGS = 8;
/** No look for a duplicate: the address serves at once. */
export const IFA_F_NODAD = 0x02;

export const RT_SCOPE_UNIVERSE = 0;
export const RT_SCOPE_LINK = 253;
export const RT_SCOPE_HOST = 254;
/** In a deletion: whatever the scope. */
export const RT_SCOPE_NOWHERE = 255;

export const RT_TABLE_UNSPEC = 0;
export const RT_TABLE_MAIN = 254;
export const RT_TABLE_LOCAL = 255;

export const RTPROT_UNSPEC = 0;
export const RTPROT_KERNEL = 2;
export const RTPROT_STATIC = 4;

export const RTN_UNICAST = 1;
export const RTN_LOCAL = 2;
export const RTN_BLACKHOLE = 6;
export const RTN_UNREACHABLE = 7;

export const RTA_DST = 1;
export const RTA_SRC = 2;
export const RTA_IIF = 3;
export const RTA_OIF = 4;
export const RTA_GATEWAY = 5;
export const RTA_PRIORITY = 6;
export const RTA_PREFSRC = 7;
export const RTA_METRICS = 8;
export const RTA_MULTIPATH = 9;
export const RTA_TABLE = 15;
export const RTA_MARK = 16;

export const RTAX_MTU = 2;

/** In a lookup: name the table that the answer really comes from. */
export const RTM_F_LOOKUP_TABLE = 0x1000;

export const FR_ACT_TO_TBL = 1;
export const FR_ACT_PROHIBIT = 8;
export const FIB_RULE_INVERT = 2;
export const FRA_DST = 1;
export const FRA_SRC = 2;
export const FRA_IIFNAME = 3;
export const FRA_PRIORITY = 6;
export const FRA_FWMARK = 10;
export const FRA_FLOW = 11;
export const FRA_TUN_ID = 12;
export const FRA_TABLE = 15;
export const FRA_FWMASK = 16;
export const FRA_OIFNAME = 17;
export const FRA_L3MDEV = 19;
export const FRA_UID_RANGE = 20;
export const FRA_IP_PROTO = 22;
export const FRA_SPORT_RANGE = 23;
export const FRA_DPORT_RANGE = 24;

/** The hook for filters on both ways of a device, and its own handle. */
export const TC_H_CLSACT = 0xffff_fff1;
export const TC_H_CLSACT_HANDLE = 0xffff_0000;
/** What comes in by the device, of either qdisc that has a hook for it: clsact, and ingress. */
export const TC_H_INGRESS_HOOK = 0xffff_fff2;
/** What leaves by it. */
export const TC_H_EGRESS_HOOK = 0xffff_fff3;
/** The next filter is asked. */
export const TC_ACT_UNSPEC = -1;
export const TCA_KIND = 1;
export const TCA_OPTIONS = 2;
export const TCA_MATCHALL_ACT = 2;
export const TCA_ACT_KIND = 1;
export const TCA_ACT_OPTIONS = 2;
export const TCA_SKBEDIT_PARMS = 2;
export const TCA_SKBEDIT_PTYPE = 7;

/** linux/if_ether.h */
export const ETH_P_ALL = 3;
/** linux/if_packet.h */
export const PACKET_BROADCAST = 1;
