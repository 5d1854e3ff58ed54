/** The tests and actions that rules about leaving packets are put together from. */
import { encodeFields } from '../../netlink/nftables/data-type.js';
import {
  changeMarkBits,
  cmp,
  ctLoad,
  fib,
  immediateData,
  immediateVerdict,
  metaLoad,
  metaWrite,
  NFTA_FIB_F_DADDR,
  NFTA_FIB_F_SADDR,
  NFT_CMP_EQ,
  NFT_CMP_NEQ,
  NFT_CT_STATUS,
  NFT_FIB_RESULT_ADDRTYPE,
  NFT_FIB_RESULT_OIFNAME,
  NFT_META_IIFNAME,
  NFT_META_L4PROTO,
  NFT_META_MARK,
  NFT_META_NFPROTO,
  NFT_META_OIFNAME,
  NFT_META_PKTTYPE,
  NFT_PAYLOAD_CSUM_INET,
  NFT_PAYLOAD_CSUM_NONE,
  NFT_PAYLOAD_CSUM_SCTP,
  NFT_PAYLOAD_L4CSUM_PSEUDOHDR,
  NFT_PAYLOAD_NETWORK_HEADER,
  NFT_PAYLOAD_TRANSPORT_HEADER,
  NFT_RANGE_EQ,
  bitwise,
  payloadLoad,
  payloadWrite,
  range,
  type Expression,
} from '../../netlink/nftables/expressions/index.js';
import { NFPROTO_IPV4, NFPROTO_IPV6, NFT_REG_1 } from '../../netlink/nftables/constants.js';
import { addressBytes, lastAddress, type AddressFamily, type IpAddress } from '../address.js';
import { EGRESS_MARK } from '../guard/rules.js';
import { AS_IT_IS_MARK } from './names.js';
import type { Interval } from '../interval.js';
import type { PortRange } from '../policy.js';
import { portBytes } from './draw-words.js';

/** Of the packet, or of the packet that an ICMP error quotes. */
export type Side = 'source' | 'destination';

// Protocol numbers (IANA), as in linux/in.h and linux/in6.h.
export const IPPROTO_ICMP = 1;
export const IPPROTO_TCP = 6;
export const IPPROTO_UDP = 17;
export const IPPROTO_DCCP = 33;
export const IPPROTO_ICMPV6 = 58;
export const IPPROTO_SCTP = 132;
export const IPPROTO_UDPLITE = 136;

/** linux/rtnetlink.h */
const RTN_LOCAL = 2;
/** linux/if_packet.h */
const PACKET_HOST = 0;

/** Where addresses stand in the IPv4 (RFC 791) and the IPv6 header (RFC 8200). */
const ADDRESS_OFFSET = { ip: { source: 12, destination: 16 }, ip6: { source: 8, destination: 24 } } as const;
const ADDRESS_BYTES = { ip: 4, ip6: 16 } as const;
const IPV4_CHECKSUM_OFFSET = 10;
/** The first four bytes of TCP, UDP, UDP-Lite and SCTP. */
const PORT_OFFSET = { source: 0, destination: 2 } as const;
const SCTP_CHECKSUM_OFFSET = 8;

const equals = (data: Uint8Array): Expression => cmp({ sreg: NFT_REG_1, op: NFT_CMP_EQ, data });
const differs = (data: Uint8Array): Expression => cmp({ sreg: NFT_REG_1, op: NFT_CMP_NEQ, data });
const accept = immediateVerdict({ kind: 'accept' });
const device = (name: string): Buffer => encodeFields(['ifname'], [name]);

export const familyIs = (family: AddressFamily): Expression[] => [
  metaLoad({ key: NFT_META_NFPROTO, dreg: NFT_REG_1 }),
  equals(Buffer.of(family === 'ip' ? NFPROTO_IPV4 : NFPROTO_IPV6)),
];
export const protocolIs = (protocol: number): Expression[] => [
  metaLoad({ key: NFT_META_L4PROTO, dreg: NFT_REG_1 }),
  equals(Buffer.of(protocol)),
];
export const inputDeviceIs = (name: string): Expression[] => [
  metaLoad({ key: NFT_META_IIFNAME, dreg: NFT_REG_1 }),
  equals(device(name)),
];
export const outputDeviceIs = (name: string): Expression[] => [
  metaLoad({ key: NFT_META_OIFNAME, dreg: NFT_REG_1 }),
  equals(device(name)),
];

/** Before routing: the way to the packet's destination is by this device. */
export const routedBy = (name: string): Expression[] => [
  fib({ dreg: NFT_REG_1, result: NFT_FIB_RESULT_OIFNAME, flags: NFTA_FIB_F_DADDR }),
  equals(device(name)),
];

/** Before routing: the packet is for this host, or is not. */
export const isForThisHost = (wanted: boolean): Expression[] => isLocal(NFTA_FIB_F_DADDR, wanted);

/** The packet has an address of this host for its source. */
export const isFromThisHost = (): Expression[] => isLocal(NFTA_FIB_F_SADDR, true);

function isLocal(which: number, wanted: boolean): Expression[] {
  const local = Buffer.alloc(4);
  local.writeUInt32LE(RTN_LOCAL);
  return [
    fib({ dreg: NFT_REG_1, result: NFT_FIB_RESULT_ADDRTYPE, flags: which }),
    wanted ? equals(local) : differs(local),
  ];
}

/** Only packets of the family: others have something else there. */
export function addressIn(family: AddressFamily, side: Side, { first, last }: Interval): Expression[] {
  const place = { base: NFT_PAYLOAD_NETWORK_HEADER, ...addressPlace(family, side) };
  return [payloadLoad({ ...place, dreg: NFT_REG_1 }), bytesBetween(family, first, last)];
}

/** Only packets of the family: others have something else there. */
export const addressIsNot = (side: Side, address: IpAddress): Expression[] => [
  payloadLoad({ base: NFT_PAYLOAD_NETWORK_HEADER, ...addressPlace(address.family, side), dreg: NFT_REG_1 }),
  differs(addressBytes(address)),
];

/** Only packets of a protocol with ports. */
export const portIn = (side: Side, ports: PortRange): Expression[] => [
  payloadLoad({ base: NFT_PAYLOAD_TRANSPORT_HEADER, offset: PORT_OFFSET[side], length: 2, dreg: NFT_REG_1 }),
  portsBetween(ports),
];

/** RFC 4861: types 133 to 137. */
export const isNeighbourDiscovery = (): Expression[] => [
  ...protocolIs(IPPROTO_ICMPV6),
  payloadLoad({ base: NFT_PAYLOAD_TRANSPORT_HEADER, offset: 0, length: 1, dreg: NFT_REG_1 }),
  range({ sreg: NFT_REG_1, op: NFT_RANGE_EQ, from: Buffer.of(133), to: Buffer.of(137) }),
];

/** Has the packet look as if it had been sent to this host alone; before routing. */
export const asForThisHost = (): Expression[] => [
  immediateData({ dreg: NFT_REG_1, data: Buffer.of(PACKET_HOST) }),
  metaWrite({ key: NFT_META_PKTTYPE, sreg: NFT_REG_1 }),
];

/** The packet came out of a tunnel and has been let go by nobody yet. */
export const hasEgressMark = (): Expression[] => [...loadMarkBits(EGRESS_MARK), differs(Buffer.alloc(4))];

/** The packet may not leave as it came out of a tunnel. */
export const mustNotBeAsItIs = (): Expression[] => [...loadMarkBits(AS_IT_IS_MARK), equals(Buffer.alloc(4))];

const loadMarkBits = (bits: number): Expression[] => [
  metaLoad({ key: NFT_META_MARK, dreg: NFT_REG_1 }),
  bitwise({ sreg: NFT_REG_1, dreg: NFT_REG_1, mask: encodeFields(['mark'], [bits]) }),
];

/** RFC 5771 and RFC 4291. */
const MULTICAST: Readonly<Record<AddressFamily, Interval>> = {
  ip: { first: 0xe000_0000n, last: 0xefff_ffffn },
  ip6: { first: 0xffn << 120n, last: lastAddress('ip6') },
};

export const isToMulticast = (family: AddressFamily): Expression[] => [
  ...familyIs(family),
  ...addressIn(family, 'destination', MULTICAST[family]),
];

export const setEgressMark = (): Expression[] => changeMarkBits(~(EGRESS_MARK | AS_IT_IS_MARK) >>> 0, EGRESS_MARK);

/** The packet leaves, its source another one than it came out of the tunnel with. */
export const letTranslated = (): Expression[] => [...changeMarkBits(~EGRESS_MARK >>> 0, 0), accept];

/** The packet leaves as it is. */
export const letAsItIs = (): Expression[] => [
  ...changeMarkBits(~(EGRESS_MARK | AS_IT_IS_MARK) >>> 0, AS_IT_IS_MARK),
  accept,
];

/** Puts the address in the register into the packet, and right its checksums: the IPv4 header's, TCP, UDP, ICMPv6. */
export const writeAddress = (family: AddressFamily, side: Side, sreg: number): Expression =>
  payloadWrite({
    sreg,
    base: NFT_PAYLOAD_NETWORK_HEADER,
    ...addressPlace(family, side),
    ...(family === 'ip'
      ? { checksumType: NFT_PAYLOAD_CSUM_INET, checksumOffset: IPV4_CHECKSUM_OFFSET }
      : { checksumType: NFT_PAYLOAD_CSUM_NONE }),
    checksumFlags: NFT_PAYLOAD_L4CSUM_PSEUDOHDR,
  });

/**
 * Puts the port in the register into the packet. The flag for the pseudo header suits ports as well: it is the one way
 * that leaves alone a UDP checksum of zero (RFC 768: none) and a checksum that hardware is still to fill in.
 */
export const writePort = (protocol: number, side: Side, sreg: number): Expression =>
  payloadWrite({
    sreg,
    base: NFT_PAYLOAD_TRANSPORT_HEADER,
    offset: PORT_OFFSET[side],
    length: 2,
    ...(protocol === IPPROTO_SCTP
      ? { checksumType: NFT_PAYLOAD_CSUM_SCTP, checksumOffset: SCTP_CHECKSUM_OFFSET }
      : { checksumFlags: NFT_PAYLOAD_L4CSUM_PSEUDOHDR }),
  });

/** The packet's connection has one of these bits of IPS_* (`wanted`), or has none of them. */
export function connectionHas(bits: number, wanted: boolean): Expression[] {
  const mask = Buffer.alloc(4);
  mask.writeUInt32LE(bits);
  return [
    ctLoad({ key: NFT_CT_STATUS, dreg: NFT_REG_1 }),
    bitwise({ sreg: NFT_REG_1, dreg: NFT_REG_1, mask }),
    wanted ? differs(Buffer.alloc(4)) : equals(Buffer.alloc(4)),
  ];
}

export const addressPlace = (family: AddressFamily, side: Side): { offset: number; length: number } => ({
  offset: ADDRESS_OFFSET[family][side],
  length: ADDRESS_BYTES[family],
});
export const portPlace = (side: Side): { offset: number; length: number } => ({ offset: PORT_OFFSET[side], length: 2 });

/** Of register 1. */
export function bytesBetween(family: AddressFamily, first: bigint, last: bigint): Expression {
  const [from, to] = [addressBytes({ family, value: first }), addressBytes({ family, value: last })];
  return first === last ? equals(from) : range({ sreg: NFT_REG_1, op: NFT_RANGE_EQ, from, to });
}

/** Of register 1. */
export function portsBetween(ports: PortRange): Expression {
  const [from, to] = [portBytes(ports.from), portBytes(ports.to)];
  return ports.from === ports.to ? equals(from) : range({ sreg: NFT_REG_1, op: NFT_RANGE_EQ, from, to });
}
