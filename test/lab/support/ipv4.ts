/** IPv4 packets that may lie: every field that matters can be said otherwise than it is. */

export interface Ipv4Packet {
  readonly from: string;
  readonly to: string;
  readonly protocol: number;
  readonly body: Uint8Array;
  /** A multiple of four bytes. */
  readonly options?: Uint8Array;
  readonly totalLength?: number;
  /** In words of four bytes. */
  readonly headerWords?: number;
  readonly id?: number;
  /** Flags and fragment offset in units of 8 bytes, as the header has them. */
  readonly fragment?: number;
  /** XORed onto the right one. */
  readonly checksumError?: number;
}

/** RFC 791, section 3.1 */
export function ipv4(packet: Ipv4Packet): Buffer {
  const { options = Buffer.alloc(0), body } = packet;
  const header = Buffer.alloc(20 + options.length);
  const words = packet.headerWords ?? header.length / 4;
  header.writeUInt8(0x40 | words, 0);
  header.writeUInt16BE(packet.totalLength ?? header.length + body.length, 2);
  header.writeUInt16BE(packet.id ?? 0, 4);
  header.writeUInt16BE(packet.fragment ?? 0, 6);
  header.writeUInt8(64, 8);
  header.writeUInt8(packet.protocol, 9);
  header.set(packet.from.split('.').map(Number), 12);
  header.set(packet.to.split('.').map(Number), 16);
  header.set(options, 20);
  const out = Buffer.concat([header, body]);
  // Over as much as the packet says is its header, so that nothing but the lie itself is wrong.
  out.writeUInt16BE(checksum(out.subarray(0, Math.max(20, words * 4))) ^ (packet.checksumError ?? 0), 10);
  return out;
}

export interface UdpBody {
  readonly from: string;
  readonly to: string;
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly payload: Uint8Array;
  readonly length?: number;
  readonly checksumError?: number;
}

/** RFC 768, with its checksum. */
export function udp({ from, to, payload, ...fields }: UdpBody): Buffer {
  const out = Buffer.alloc(8 + payload.length);
  out.writeUInt16BE(fields.sourcePort, 0);
  out.writeUInt16BE(fields.destinationPort, 2);
  out.writeUInt16BE(fields.length ?? out.length, 4);
  out.set(payload, 8);
  const pseudo = Buffer.alloc(12);
  pseudo.set(from.split('.').map(Number), 0);
  pseudo.set(to.split('.').map(Number), 4);
  pseudo.writeUInt8(17, 9);
  pseudo.writeUInt16BE(fields.length ?? out.length, 10);
  const sum = checksum(Buffer.concat([pseudo, out])) ^ (fields.checksumError ?? 0);
  out.writeUInt16BE(sum === 0 ? 0xffff : sum, 6);
  return out;
}

/** RFC 1071 */
export function checksum(bytes: Buffer): number {
  let sum = 0;
  for (let offset = 0; offset < bytes.length; offset += 2) {
    sum += offset + 1 < bytes.length ? bytes.readUInt16BE(offset) : bytes.readUInt8(offset) << 8;
  }
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}
