/** Inner IPv6 packets as a tunnel's UDP payload (RFC 8200, RFC 4443), that may lie. */
import { parseIpv6 } from '../../../src/netlink/ip-address.js';
import { checksum } from './ipv4.js';

const ICMPV6 = 58;
const ECHO_REQUEST = 128;

export interface Ipv6Packet {
  readonly from: string;
  readonly to: string;
  readonly nextHeader: number;
  readonly body: Uint8Array;
  readonly payloadLength?: number;
}

/** RFC 8200, section 3 */
export function ipv6({ from, to, nextHeader, body, payloadLength = body.length }: Ipv6Packet): Buffer {
  const header = Buffer.alloc(40);
  header.writeUInt8(0x60, 0);
  header.writeUInt16BE(payloadLength, 4);
  header.writeUInt8(nextHeader, 6);
  header.writeUInt8(64, 7);
  header.set(parseIpv6(from), 8);
  header.set(parseIpv6(to), 24);
  return Buffer.concat([header, body]);
}

/** An echo request, with a right checksum. */
export function innerPing6(from: string, to: string, lie: { readonly payloadLength?: number } = {}): Buffer {
  const body = Buffer.alloc(8 + 8);
  body.writeUInt8(ECHO_REQUEST, 0);
  body.writeUInt16BE(7, 4);
  const pseudo = Buffer.alloc(8);
  pseudo.writeUInt32BE(body.length, 0);
  pseudo.writeUInt8(ICMPV6, 7);
  body.writeUInt16BE(checksum(Buffer.concat([parseIpv6(from), parseIpv6(to), pseudo, body])), 2);
  return ipv6({ from, to, nextHeader: ICMPV6, body, ...lie });
}
