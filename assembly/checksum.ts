/**
 * The Internet checksum (RFC 1071). Sums are kept over words as they lie in memory, little-endian: the result is right
 * when it is stored the same way (section 2, B of the RFC).
 */
import { IPV6_HEADER_BYTES, isIpv6 } from './ip';

/** The sum over `length` bytes, not folded; what it is added to may be any such sums of even parts. */
export function sum(at: i32, length: i32): u64 {
  let total: u64 = 0;
  if (length >= 32) {
    let low = i64x2.splat(0);
    let high = i64x2.splat(0);
    do {
      const one = v128.load(at);
      const other = v128.load(at, 16);
      low = i64x2.add(low, i64x2.extend_low_i32x4_u(one));
      high = i64x2.add(high, i64x2.extend_high_i32x4_u(one));
      low = i64x2.add(low, i64x2.extend_low_i32x4_u(other));
      high = i64x2.add(high, i64x2.extend_high_i32x4_u(other));
      at += 32;
      length -= 32;
    } while (length >= 32);
    low = i64x2.add(low, high);
    total = i64x2.extract_lane(low, 0) + i64x2.extract_lane(low, 1);
  }
  while (length >= 4) {
    total += load<u32>(at);
    at += 4;
    length -= 4;
  }
  if (length >= 2) {
    total += load<u16>(at);
    at += 2;
    length -= 2;
  }
  if (length > 0) total += load<u8>(at);
  return total;
}

/** To 16 bits, not yet inverted. */
export function fold(total: u64): u16 {
  total = (total >> 32) + (total & 0xffffffff);
  total = (total >> 32) + (total & 0xffffffff);
  let folded = <u32>((total >> 16) + (total & 0xffff));
  folded = (folded >> 16) + (folded & 0xffff);
  return <u16>((folded >> 16) + (folded & 0xffff));
}

/** The pseudo header of TCP and UDP (RFC 9293, section 3.1; RFC 8200, section 8.1) for the IP header at `ip`. */
export function pseudoSum(ip: i32, protocol: u8, length: i32): u64 {
  const addresses = isIpv6(ip) ? sum(ip + 8, 32) : <u64>load<u32>(ip, 12) + <u64>load<u32>(ip, 16);
  return addresses + <u64>((<u32>protocol) << 8) + <u64>bswap<u16>(<u16>length);
}

/** Puts the length of the packet into its IP header, and the checksum into that of IPv4 without options. */
export function fillLength(ip: i32, total: i32): void {
  if (isIpv6(ip)) {
    store<u16>(ip, bswap<u16>(<u16>(total - IPV6_HEADER_BYTES)), 4);
    return;
  }
  store<u16>(ip, bswap<u16>(<u16>total), 2);
  fillIpChecksum(ip, 20);
}

/** Puts the checksum into an IPv4 header. */
export function fillIpChecksum(ip: i32, headerBytes: i32): void {
  store<u16>(ip, 0, 10);
  store<u16>(ip, ~fold(sum(ip, headerBytes)), 10);
}
