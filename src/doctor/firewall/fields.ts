/** What expressions load of a packet of the tunnel: headers, what the kernel knows besides, connection tracking. */
import {
  encodeFields,
  NFT_FIB_RESULT_ADDRTYPE,
  NFT_META_IIF,
  NFT_META_IIFNAME,
  NFT_META_L4PROTO,
  NFT_META_NFPROTO,
  NFT_META_OIF,
  NFT_META_OIFNAME,
  NFT_META_PROTOCOL,
  NFT_PAYLOAD_NETWORK_HEADER,
  NFT_PAYLOAD_TRANSPORT_HEADER,
  NFTA_FIB_F_DADDR,
} from '../../netlink/nftables/index.js';
import {
  ETH_P_IP,
  ETH_P_IPV6,
  NFPROTO_IPV4,
  NFPROTO_IPV6,
  NFT_CT_STATE,
  NFT_META_PKTTYPE,
  PACKET_HOST,
  RTN_LOCAL,
  STATE_ESTABLISHED,
  STATE_NEW,
} from './constants.js';
import { known, unknown, type JudgedPacket, type MaybeByte, type PacketDevice } from './packet.js';

/** Longest load that an expression may ask for; a register set has no more. */
const LOAD_MAX_BYTES = 64;

/** Bytes at an offset of a header; those outside of what is known are unknown. */
export function payloadBytes(packet: JudgedPacket, base: number, offset: number, length: number): MaybeByte[] {
  const size = Math.min(length, LOAD_MAX_BYTES);
  const header =
    base === NFT_PAYLOAD_NETWORK_HEADER
      ? networkHeader(packet)
      : base === NFT_PAYLOAD_TRANSPORT_HEADER
        ? transportHeader(packet)
        : [];
  return Array.from({ length: size }, (_, index) => header[offset + index] ?? { unknown: 'the rest of the packet' });
}

const networkHeader = (packet: JudgedPacket): MaybeByte[] =>
  packet.version === 4 ? ipv4Header(packet) : ipv6Header(packet);

/** RFC 791, without options */
const ipv4Header = (packet: JudgedPacket): MaybeByte[] => [
  ...known([0x45]),
  ...unknown(1, 'the type of service'),
  ...unknown(2, 'the length'),
  ...unknown(4, 'the fragmentation'),
  ...unknown(1, 'the TTL'),
  ...protocolByte(packet),
  ...unknown(2, 'the checksum'),
  ...addressBytes(packet.source, 'the source address'),
  ...addressBytes(packet.destination, 'the destination address'),
];

/** RFC 8200, without extension headers */
const ipv6Header = (packet: JudgedPacket): MaybeByte[] => [
  ...unknown(4, 'the traffic class and the flow label'),
  ...unknown(2, 'the length'),
  ...protocolByte(packet),
  ...unknown(1, 'the hop limit'),
  ...addressBytes(packet.source, 'the source address', 'ipv6_addr', 16),
  ...addressBytes(packet.destination, 'the destination address', 'ipv6_addr', 16),
];

/** RFC 768 */
const transportHeader = (packet: JudgedPacket): MaybeByte[] => [
  ...portBytes(packet.sourcePort, 'the source port'),
  ...portBytes(packet.destinationPort, 'the destination port'),
  ...unknown(2, 'the length'),
  ...unknown(2, 'the checksum'),
];

const protocolByte = ({ protocol }: JudgedPacket): MaybeByte[] =>
  protocol === undefined ? unknown(1, 'the protocol') : known([protocol]);

const addressBytes = (
  address: string | undefined,
  what: string,
  type: 'ipv4_addr' | 'ipv6_addr' = 'ipv4_addr',
  length = 4,
): MaybeByte[] => (address === undefined ? unknown(length, what) : known(encodeFields([type], [address])));

const portBytes = (port: number | undefined, what: string): MaybeByte[] =>
  port === undefined ? unknown(2, what) : known(twoBytes(port));

const twoBytes = (value: number): [number, number] => [value >> 8, value & 0xff];

/** What `meta` loads under a key, in the byte order that the kernel uses for it. */
export function metaBytes(packet: JudgedPacket, key: number): MaybeByte[] {
  switch (key) {
    case NFT_META_L4PROTO:
      return protocolByte(packet);
    case NFT_META_NFPROTO:
      return known([packet.version === 4 ? NFPROTO_IPV4 : NFPROTO_IPV6]);
    case NFT_META_PROTOCOL:
      return known(twoBytes(packet.version === 4 ? ETH_P_IP : ETH_P_IPV6));
    case NFT_META_PKTTYPE:
      return packet.inDevice === undefined ? unknown(1, 'the kind of packet') : known([PACKET_HOST]);
    case NFT_META_IIF:
      return indexBytes(packet.inDevice);
    case NFT_META_OIF:
      return indexBytes(packet.outDevice);
    case NFT_META_IIFNAME:
      return nameBytes(packet.inDevice);
    case NFT_META_OIFNAME:
      return nameBytes(packet.outDevice);
    default:
      return unknown(LOAD_MAX_BYTES, META_WORDS[key] ?? `what the kernel knows of the packet (meta key ${key})`);
  }
}

/** Without a device: 0, and an empty name. */
function indexBytes(device: PacketDevice | undefined): MaybeByte[] {
  if (device === undefined) return known(hostOrder(0));
  return device.index === undefined
    ? unknown(4, `the number that ${device.name} will have`)
    : known(hostOrder(device.index));
}

const nameBytes = (device: PacketDevice | undefined): MaybeByte[] =>
  known(encodeFields(['ifname'], [device?.name ?? '']));

const META_WORDS: Readonly<Record<number, string>> = { 0: 'the length', 3: 'the packet mark', 10: "the socket's user" };

/** What `ct` loads under a key. */
export const conntrackBytes = (packet: JudgedPacket, key: number): MaybeByte[] =>
  key === NFT_CT_STATE
    ? known(hostOrder(packet.state === 'new' ? STATE_NEW : STATE_ESTABLISHED))
    : unknown(LOAD_MAX_BYTES, 'what connection tracking knows');

/** What `fib` finds: that a packet which comes in is for this host. */
export const fibBytes = (packet: JudgedPacket, result: number, flags: number): MaybeByte[] =>
  packet.direction === 'in' && result === NFT_FIB_RESULT_ADDRTYPE && (flags & NFTA_FIB_F_DADDR) !== 0
    ? known(hostOrder(RTN_LOCAL))
    : unknown(LOAD_MAX_BYTES, 'what the routing table says');

function hostOrder(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value >>> 0);
  return bytes;
}
