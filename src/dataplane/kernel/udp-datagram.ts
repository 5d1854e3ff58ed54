/**
 * UDP over IPv4 as the queue delivers it and as a raw socket wants it.
 *
 *     RFC 791: 0 version|IHL  1 TOS  2 total length  4 id  6 flags|fragment offset  8 TTL  9 protocol
 *              10 checksum  12 source  16 destination  20 options … IHL * 4
 *     RFC 768: 0 source port  2 destination port  4 length  6 checksum  8 payload
 */
import type { Endpoint } from '../../core/endpoint.js';
import { parseIpv4 } from '../../netlink/ip-address.js';

const IPPROTO_UDP = 17;
const IP_HEADER_BYTES = 20;
const UDP_HEADER_BYTES = 8;
const FRAGMENT_BITS = 0x3fff;

export interface UdpDatagram {
  readonly source: Endpoint;
  readonly destination: Endpoint;
  readonly payload: Buffer;
}

/** Dotted form of the four bytes at `offset`. */
const addressAt = (bytes: Buffer, offset: number): string => bytes.subarray(offset, offset + 4).join('.');

/**
 * Reads one whole IPv4 packet. Total: undefined for whatever is not an unfragmented UDP datagram, all of it there, whose
 * lengths agree with each other.
 */
export function decodeUdpDatagram(packet: Buffer): UdpDatagram | undefined {
  if (packet.length < IP_HEADER_BYTES) return undefined;
  const headerBytes = (packet.readUInt8(0) & 0x0f) * 4;
  const totalLength = packet.readUInt16BE(2);
  if (packet.readUInt8(0) >> 4 !== 4 || headerBytes < IP_HEADER_BYTES) return undefined;
  if (totalLength > packet.length || totalLength < headerBytes + UDP_HEADER_BYTES) return undefined;
  if (packet.readUInt8(9) !== IPPROTO_UDP || (packet.readUInt16BE(6) & FRAGMENT_BITS) !== 0) return undefined;
  const udpLength = packet.readUInt16BE(headerBytes + 4);
  if (udpLength < UDP_HEADER_BYTES || headerBytes + udpLength > totalLength) return undefined;
  return {
    source: { address: addressAt(packet, 12), port: packet.readUInt16BE(headerBytes) },
    destination: { address: addressAt(packet, 16), port: packet.readUInt16BE(headerBytes + 2) },
    payload: packet.subarray(headerBytes + UDP_HEADER_BYTES, headerBytes + udpLength),
  };
}

/**
 * Makes the packet for a raw socket: the kernel fills in the id and the header checksum (raw(7)). The UDP checksum is 0,
 * "not used", as the tunnel's data packets have it.
 */
export function encodeUdpDatagram(datagram: UdpDatagram, ttl: number): Buffer {
  const udpLength = UDP_HEADER_BYTES + datagram.payload.length;
  const packet = Buffer.alloc(IP_HEADER_BYTES + udpLength);
  packet.writeUInt8(0x45, 0);
  packet.writeUInt16BE(packet.length, 2);
  packet.writeUInt8(ttl, 8);
  packet.writeUInt8(IPPROTO_UDP, 9);
  packet.set(parseIpv4(datagram.source.address), 12);
  packet.set(parseIpv4(datagram.destination.address), 16);
  packet.writeUInt16BE(datagram.source.port, IP_HEADER_BYTES);
  packet.writeUInt16BE(datagram.destination.port, IP_HEADER_BYTES + 2);
  packet.writeUInt16BE(udpLength, IP_HEADER_BYTES + 4);
  packet.set(datagram.payload, IP_HEADER_BYTES + UDP_HEADER_BYTES);
  return packet;
}
