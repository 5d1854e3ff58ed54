/** Inner packets as the kernel and others make them, and what is needed to judge what becomes of them. */
import { parseIpv6 } from '../../../../src/netlink/ip-address.js';

export interface TcpFields {
  readonly source?: string;
  readonly destination?: string;
  readonly sourcePort?: number;
  readonly destinationPort?: number;
  readonly sequence?: number;
  readonly acknowledgement?: number;
  readonly flags?: number;
  readonly window?: number;
  readonly urgent?: number;
  /** The four bits beside the data offset (RFC 9293, section 3.1). */
  readonly reserved?: number;
  readonly options?: Buffer;
  readonly id?: number;
  readonly tos?: number;
  readonly ttl?: number;
  readonly fragment?: number;
  readonly ipOptions?: Buffer;
  readonly payload?: Buffer;
}

/** The traffic class is `tos`, the hop limit `ttl`. */
export interface Ipv6Fields extends TcpFields {
  readonly flowLabel?: number;
  /** Extension headers of 8 bytes, by what they are (IPPROTO_HOPOPTS and the like); each holds padding. */
  readonly extensions?: readonly number[];
}

export const ACK = 0x10;
export const PSH = 0x08;
export const FIN = 0x01;
export const CWR = 0x80;

/** RFC 1071, word by word. */
export function checksum(...parts: readonly Buffer[]): number {
  const bytes = Buffer.concat(parts);
  let sum = 0;
  for (let at = 0; at < bytes.length; at += 2) {
    sum += at + 1 < bytes.length ? bytes.readUInt16BE(at) : bytes.readUInt8(at) << 8;
  }
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

const IPV6_HEADER = 40;
const EXTENSION = 8;
/** linux/in6.h: hop-by-hop options, routing, destination options. */
const EXTENSIONS = new Set([0, 43, 60]);

/** Where TCP or UDP begins. */
export function transportAt(packet: Buffer): number {
  if (packet.readUInt8(0) >> 4 === 4) return (packet.readUInt8(0) & 15) * 4;
  let at = IPV6_HEADER;
  for (let next = packet.readUInt8(6); EXTENSIONS.has(next); next = packet.readUInt8(at - EXTENSION)) at += EXTENSION;
  return at;
}

/** RFC 8200, section 8.1 */
function pseudoHeader6(packet: Buffer): Buffer {
  const at = transportAt(packet);
  const pseudo = Buffer.alloc(40);
  packet.copy(pseudo, 0, 8, 40);
  pseudo.writeUInt32BE(packet.length - at, 32);
  pseudo.writeUInt8(packet.readUInt8(at === IPV6_HEADER ? 6 : at - EXTENSION), 39);
  return pseudo;
}

export function pseudoHeader(packet: Buffer): Buffer {
  if (packet.readUInt8(0) >> 4 === 6) return pseudoHeader6(packet);
  const headerBytes = transportAt(packet);
  const pseudo = Buffer.alloc(12);
  packet.copy(pseudo, 0, 12, 20);
  pseudo.writeUInt8(packet.readUInt8(9), 9);
  pseudo.writeUInt16BE((packet.length - headerBytes) & 0xffff, 10);
  return pseudo;
}

/** An IPv4 packet around a transport segment whose checksum stands at `checksumAt` of it (RFC 791). */
export function ipv4(
  protocol: number,
  segment: Buffer,
  checksumAt: number | undefined,
  fields: TcpFields = {},
): Buffer {
  const { ipOptions = Buffer.alloc(0), source = '172.28.0.1', destination = '172.28.0.0' } = fields;
  const headerBytes = 20 + ipOptions.length;
  const packet = Buffer.alloc(headerBytes + segment.length);
  packet.writeUInt8(0x40 | (headerBytes / 4), 0);
  packet.writeUInt8(fields.tos ?? 0, 1);
  packet.writeUInt16BE(packet.length, 2);
  packet.writeUInt16BE(fields.id ?? 1, 4);
  packet.writeUInt16BE(fields.fragment ?? 0x4000, 6);
  packet.writeUInt8(fields.ttl ?? 64, 8);
  packet.writeUInt8(protocol, 9);
  packet.set(source.split('.').map(Number), 12);
  packet.set(destination.split('.').map(Number), 16);
  packet.set(ipOptions, 20);
  packet.set(segment, headerBytes);
  packet.writeUInt16BE(checksum(packet.subarray(0, headerBytes)), 10);
  if (checksumAt !== undefined) {
    packet.writeUInt16BE(checksum(pseudoHeader(packet), packet.subarray(headerBytes)), headerBytes + checksumAt);
  }
  return packet;
}

/** The same of IPv6 (RFC 8200). */
export function ipv6(
  nextHeader: number,
  segment: Buffer,
  checksumAt: number | undefined,
  fields: Ipv6Fields = {},
): Buffer {
  const { extensions = [], source = 'fd00::2', destination = 'fd00::1' } = fields;
  const header = Buffer.alloc(IPV6_HEADER);
  header.writeUInt32BE(((6 << 28) | ((fields.tos ?? 0) << 20) | (fields.flowLabel ?? 0)) >>> 0, 0);
  header.writeUInt16BE(extensions.length * EXTENSION + segment.length, 4);
  header.writeUInt8(extensions[0] ?? nextHeader, 6);
  header.writeUInt8(fields.ttl ?? 64, 7);
  header.set(parseIpv6(source), 8);
  header.set(parseIpv6(destination), 24);
  // Each of no further words, filled up by an option of 6 bytes (PadN).
  const chain = extensions.map((_, index) => Buffer.from([extensions[index + 1] ?? nextHeader, 0, 1, 4, 0, 0, 0, 0]));
  const packet = Buffer.concat([header, ...chain, segment]);
  if (checksumAt !== undefined) {
    const at = transportAt(packet);
    packet.writeUInt16BE(checksum(pseudoHeader(packet), packet.subarray(at)), at + checksumAt);
  }
  return packet;
}

/** RFC 9293 */
export const tcp = (fields: TcpFields = {}): Buffer => ipv4(6, tcpSegment(fields), 16, fields);
export const tcp6 = (fields: Ipv6Fields = {}): Buffer => ipv6(6, tcpSegment(fields), 16, fields);

function tcpSegment(fields: TcpFields): Buffer {
  const { options = Buffer.alloc(0), payload = Buffer.alloc(0) } = fields;
  const headerBytes = 20 + options.length;
  const segment = Buffer.alloc(headerBytes + payload.length);
  segment.writeUInt16BE(fields.sourcePort ?? 1000, 0);
  segment.writeUInt16BE(fields.destinationPort ?? 2000, 2);
  segment.writeUInt32BE((fields.sequence ?? 1) >>> 0, 4);
  segment.writeUInt32BE(fields.acknowledgement ?? 77, 8);
  segment.writeUInt8(((headerBytes / 4) << 4) | (fields.reserved ?? 0), 12);
  segment.writeUInt8(fields.flags ?? ACK, 13);
  segment.writeUInt16BE(fields.window ?? 500, 14);
  segment.writeUInt16BE(fields.urgent ?? 0, 18);
  segment.set(options, 20);
  segment.set(payload, headerBytes);
  return segment;
}

/** RFC 768 */
export const udp = (payload: Buffer, fields: TcpFields = {}): Buffer =>
  ipv4(17, udpSegment(payload, fields), 6, fields);
export const udp6 = (payload: Buffer, fields: Ipv6Fields = {}): Buffer =>
  ipv6(17, udpSegment(payload, fields), 6, fields);

function udpSegment(payload: Buffer, fields: TcpFields): Buffer {
  const segment = Buffer.alloc(8 + payload.length);
  segment.writeUInt16BE(fields.sourcePort ?? 1000, 0);
  segment.writeUInt16BE(fields.destinationPort ?? 2000, 2);
  segment.writeUInt16BE(segment.length, 4);
  segment.set(payload, 8);
  return segment;
}

/** Whether the header's checksum where it has one, and that of TCP or UDP, are right. */
export function isRight(packet: Buffer): boolean {
  const headerBytes = transportAt(packet);
  const isHeaderRight = packet.readUInt8(0) >> 4 === 6 || checksum(packet.subarray(0, headerBytes)) === 0;
  return isHeaderRight && checksum(pseudoHeader(packet), packet.subarray(headerBytes)) === 0;
}

/** Leaves the checksum to be done, as Linux does for hardware that can: the sum of the pseudo header, not inverted. */
export function leavePartial(packet: Buffer, checksumAt: number): Buffer {
  const headerBytes = transportAt(packet);
  const partial = Buffer.from(packet);
  partial.writeUInt16BE(~checksum(pseudoHeader(packet)) & 0xffff, headerBytes + checksumAt);
  return partial;
}

/** struct virtio_net_hdr, as TUN reads and writes it. */
export interface TunHeader {
  readonly flags: number;
  readonly kind: number;
  readonly headerBytes: number;
  readonly segmentBytes: number;
  readonly checksumStart: number;
  readonly checksumOffset: number;
}

export function encodeTunHeader(fields: Partial<TunHeader>): Buffer {
  const header = Buffer.alloc(10);
  header.writeUInt8(fields.flags ?? 0, 0);
  header.writeUInt8(fields.kind ?? 0, 1);
  header.writeUInt16LE(fields.headerBytes ?? 0, 2);
  header.writeUInt16LE(fields.segmentBytes ?? 0, 4);
  header.writeUInt16LE(fields.checksumStart ?? 0, 6);
  header.writeUInt16LE(fields.checksumOffset ?? 0, 8);
  return header;
}

export const decodeTunHeader = (bytes: Buffer): TunHeader => ({
  flags: bytes.readUInt8(0),
  kind: bytes.readUInt8(1),
  headerBytes: bytes.readUInt16LE(2),
  segmentBytes: bytes.readUInt16LE(4),
  checksumStart: bytes.readUInt16LE(6),
  checksumOffset: bytes.readUInt16LE(8),
});
