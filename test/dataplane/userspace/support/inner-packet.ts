/** Inner packets as the kernel and others make them, and what is needed to judge what becomes of them. */

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
  readonly options?: Buffer;
  readonly id?: number;
  readonly tos?: number;
  readonly ttl?: number;
  readonly fragment?: number;
  readonly ipOptions?: Buffer;
  readonly payload?: Buffer;
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

export function pseudoHeader(packet: Buffer): Buffer {
  const headerBytes = (packet.readUInt8(0) & 15) * 4;
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

/** RFC 9293 */
export function tcp(fields: TcpFields = {}): Buffer {
  const { options = Buffer.alloc(0), payload = Buffer.alloc(0) } = fields;
  const headerBytes = 20 + options.length;
  const segment = Buffer.alloc(headerBytes + payload.length);
  segment.writeUInt16BE(fields.sourcePort ?? 1000, 0);
  segment.writeUInt16BE(fields.destinationPort ?? 2000, 2);
  segment.writeUInt32BE((fields.sequence ?? 1) >>> 0, 4);
  segment.writeUInt32BE(fields.acknowledgement ?? 77, 8);
  segment.writeUInt8((headerBytes / 4) << 4, 12);
  segment.writeUInt8(fields.flags ?? ACK, 13);
  segment.writeUInt16BE(fields.window ?? 500, 14);
  segment.writeUInt16BE(fields.urgent ?? 0, 18);
  segment.set(options, 20);
  segment.set(payload, headerBytes);
  return ipv4(6, segment, 16, fields);
}

/** RFC 768 */
export function udp(payload: Buffer, fields: TcpFields = {}): Buffer {
  const segment = Buffer.alloc(8 + payload.length);
  segment.writeUInt16BE(fields.sourcePort ?? 1000, 0);
  segment.writeUInt16BE(fields.destinationPort ?? 2000, 2);
  segment.writeUInt16BE(segment.length, 4);
  segment.set(payload, 8);
  return ipv4(17, segment, 6, fields);
}

/** Whether the header's checksum, and that of TCP or UDP, are right. */
export function isRight(packet: Buffer): boolean {
  const headerBytes = (packet.readUInt8(0) & 15) * 4;
  const isHeaderRight = checksum(packet.subarray(0, headerBytes)) === 0;
  return isHeaderRight && checksum(pseudoHeader(packet), packet.subarray(headerBytes)) === 0;
}

/** Leaves the checksum to be done, as Linux does for hardware that can: the sum of the pseudo header, not inverted. */
export function leavePartial(packet: Buffer, checksumAt: number): Buffer {
  const headerBytes = (packet.readUInt8(0) & 15) * 4;
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
