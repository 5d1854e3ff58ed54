export interface UdpPacket {
  /** `address:port`, true or not. */
  readonly from: string;
  readonly to: string;
  readonly payload: Uint8Array;
  readonly ttl?: number;
}

const IP_HEADER = 20;
const UDP_HEADER = 8;

export function endpoint(text: string): { readonly address: string; readonly port: number } {
  const match = /^(\d+\.\d+\.\d+\.\d+):(\d+)$/.exec(text);
  if (match === null) throw new Error(`not an IPv4 endpoint: ${text}`);
  return { address: match[1]!, port: Number(match[2]) };
}

/**
 * An IPv4 packet (RFC 791, no options) with a UDP datagram (RFC 768, checksum 0: none):
 *
 *     45 00 length(2)  id(2)=0 40 00 (don't fragment)  ttl 11 checksum(2)=0  source(4)  destination(4)
 *     sport(2) dport(2) length(2) 00 00  payload
 *
 * The kernel fills in the IP checksum of what is sent through a raw socket (raw(7)).
 */
export function udpPacket({ from, to, payload, ttl = 64 }: UdpPacket): Buffer {
  const [source, destination] = [endpoint(from), endpoint(to)];
  const out = Buffer.alloc(IP_HEADER + UDP_HEADER + payload.length);
  out.writeUInt8(0x45, 0);
  out.writeUInt16BE(out.length, 2);
  out.writeUInt16BE(0x4000, 6);
  out.writeUInt8(ttl, 8);
  out.writeUInt8(17, 9);
  out.set(source.address.split('.').map(Number), 12);
  out.set(destination.address.split('.').map(Number), 16);
  out.writeUInt16BE(source.port, IP_HEADER);
  out.writeUInt16BE(destination.port, IP_HEADER + 2);
  out.writeUInt16BE(UDP_HEADER + payload.length, IP_HEADER + 4);
  out.set(payload, IP_HEADER + UDP_HEADER);
  return out;
}
