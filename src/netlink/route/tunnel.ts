/**
 * The parameters of an `ipip` or `sit` link, in IFLA_INFO_DATA (linux/if_tunnel.h, ipip_netlink_parms() in
 * net/ipv4/ipip.c, ipip6_netlink_parms() in net/ipv6/sit.c).
 */
import { attribute, be16, u16, u32, u8, type AttributeDecoder } from '../attributes.js';
import { formatIpv4, parseIpv4 } from '../ip-address.js';
import {
  IFLA_IPTUN_ENCAP_DPORT,
  IFLA_IPTUN_ENCAP_FLAGS,
  IFLA_IPTUN_ENCAP_SPORT,
  IFLA_IPTUN_ENCAP_TYPE,
  IFLA_IPTUN_LINK,
  IFLA_IPTUN_LOCAL,
  IFLA_IPTUN_PMTUDISC,
  IFLA_IPTUN_PROTO,
  IFLA_IPTUN_REMOTE,
  IFLA_IPTUN_TOS,
  IFLA_IPTUN_TTL,
  IPPROTO_IPIP,
  TUNNEL_ENCAP_FLAG_CSUM,
  TUNNEL_ENCAP_FOU,
  TUNNEL_ENCAP_NONE,
} from './constants.js';

/** `ipip` carries IPv4 here; `sit` IPv4 and IPv6. */
export type TunnelKind = 'ipip' | 'sit';

export const isTunnelKind = (kind: string | undefined): kind is TunnelKind => kind === 'ipip' || kind === 'sit';

/** What our links of the kind carry: IPPROTO_*, 0 for any. */
const PROTOCOLS: Readonly<Record<TunnelKind, number>> = { ipip: IPPROTO_IPIP, sit: 0 };

/** UDP around the tunnel's packets. */
export interface FouEncapsulation {
  readonly sourcePort: number;
  readonly destinationPort: number;
  /** Fill in the UDP checksum. */
  readonly checksum: boolean;
}

export interface TunnelParameters {
  /** Outer source; undefined for any. */
  readonly local?: string;
  /** Outer destination; undefined for any. A link can't change between having one and having none. */
  readonly remote?: string;
  /** Index of the device that the outer packets leave by; undefined where routing decides. */
  readonly device?: number;
  /** Of the outer packets; 0 copies that of the inner ones, and needs path MTU discovery. */
  readonly ttl: number;
  /** Of the outer packets; 1 copies that of the inner ones. */
  readonly tos: number;
  readonly pathMtuDiscovery: boolean;
  /** Undefined for plain IP in IP. */
  readonly fou?: FouEncapsulation;
  /** It carries something else than our links of its kind: IPPROTO_*. Only shown. */
  readonly otherProtocol?: number;
}

/**
 *     IFLA_IPTUN_LINK u32, LOCAL be32, REMOTE be32, TTL u8, TOS u8, PROTO u8, PMTUDISC u8,
 *     ENCAP_TYPE u16, ENCAP_FLAGS u16, ENCAP_SPORT be16, ENCAP_DPORT be16
 *
 * Always all of them: in a change the kernel resets what is left out, except for the encapsulation, which it then keeps.
 */
export function encodeTunnel(tunnel: TunnelParameters, kind: TunnelKind = 'ipip'): Buffer[] {
  const { fou } = tunnel;
  return [
    u32(IFLA_IPTUN_LINK, tunnel.device ?? 0),
    attribute(IFLA_IPTUN_LOCAL, parseIpv4(tunnel.local ?? '0.0.0.0')),
    attribute(IFLA_IPTUN_REMOTE, parseIpv4(tunnel.remote ?? '0.0.0.0')),
    u8(IFLA_IPTUN_TTL, tunnel.ttl),
    u8(IFLA_IPTUN_TOS, tunnel.tos),
    u8(IFLA_IPTUN_PROTO, PROTOCOLS[kind]),
    u8(IFLA_IPTUN_PMTUDISC, tunnel.pathMtuDiscovery ? 1 : 0),
    u16(IFLA_IPTUN_ENCAP_TYPE, fou === undefined ? TUNNEL_ENCAP_NONE : TUNNEL_ENCAP_FOU),
    u16(IFLA_IPTUN_ENCAP_FLAGS, fou?.checksum === true ? TUNNEL_ENCAP_FLAG_CSUM : 0),
    be16(IFLA_IPTUN_ENCAP_SPORT, fou?.sourcePort ?? 0),
    be16(IFLA_IPTUN_ENCAP_DPORT, fou?.destinationPort ?? 0),
  ];
}

/** Reads what `encodeTunnel` writes; any other encapsulation than FOU shows as none. */
export function decodeTunnel(data: AttributeDecoder, kind: TunnelKind = 'ipip'): TunnelParameters {
  const local = specified(formatIpv4(data.bytes(IFLA_IPTUN_LOCAL)));
  const remote = specified(formatIpv4(data.bytes(IFLA_IPTUN_REMOTE)));
  const device = data.u32(IFLA_IPTUN_LINK) ?? 0;
  const flags = data.u16(IFLA_IPTUN_ENCAP_FLAGS) ?? 0;
  const sourcePort = data.be16(IFLA_IPTUN_ENCAP_SPORT) ?? 0;
  const destinationPort = data.be16(IFLA_IPTUN_ENCAP_DPORT) ?? 0;
  const checksum = (flags & TUNNEL_ENCAP_FLAG_CSUM) !== 0;
  const protocol = data.u8(IFLA_IPTUN_PROTO) ?? PROTOCOLS[kind];
  return {
    ...(local !== undefined && { local }),
    ...(remote !== undefined && { remote }),
    ...(device !== 0 && { device }),
    ttl: data.u8(IFLA_IPTUN_TTL) ?? 0,
    tos: data.u8(IFLA_IPTUN_TOS) ?? 0,
    pathMtuDiscovery: data.u8(IFLA_IPTUN_PMTUDISC) === 1,
    ...(data.u16(IFLA_IPTUN_ENCAP_TYPE) === TUNNEL_ENCAP_FOU && { fou: { sourcePort, destinationPort, checksum } }),
    ...(protocol !== PROTOCOLS[kind] && { otherProtocol: protocol }),
  };
}

const specified = (address: string | undefined): string | undefined => (address === '0.0.0.0' ? undefined : address);
