/** ICMP (RFC 792): 0 type, 1 code, behind an IPv4 header. */

const IPPROTO_ICMP = 1;
const ICMP_DEST_UNREACH = 3;
const ICMP_PORT_UNREACH = 3;

/** Total: false for whatever is not an IPv4 packet with that error in it. */
export function isPortUnreachable(packet: Buffer): boolean {
  if (packet.length < 20 || packet.readUInt8(0) >> 4 !== 4 || packet.readUInt8(9) !== IPPROTO_ICMP) return false;
  const headerBytes = (packet.readUInt8(0) & 0x0f) * 4;
  if (headerBytes < 20 || packet.length < headerBytes + 2) return false;
  return packet.readUInt8(headerBytes) === ICMP_DEST_UNREACH && packet.readUInt8(headerBytes + 1) === ICMP_PORT_UNREACH;
}
