/** Inner packets of both IP versions: RFC 791, section 3.1, and RFC 8200, section 3. */
export const IPV6_HEADER_BYTES: i32 = 40;

export function isIpv6(ip: i32): bool {
  return load<u8>(ip) >> 4 == 6;
}

/** Of the header itself: what extends an IPv6 header stands behind it. */
export function headerBytesOf(ip: i32): i32 {
  return isIpv6(ip) ? IPV6_HEADER_BYTES : <i32>(load<u8>(ip) & 15) * 4;
}

/** The IPPROTO_* that follows the header. */
export function protocolOf(ip: i32): u8 {
  return isIpv6(ip) ? load<u8>(ip, 6) : load<u8>(ip, 9);
}

/** How long the packet says that it is. An IPv6 header that says nothing (RFC 2675) says 40. */
export function totalBytesOf(ip: i32): i32 {
  return isIpv6(ip) ? IPV6_HEADER_BYTES + <i32>bswap<u16>(load<u16>(ip, 4)) : <i32>bswap<u16>(load<u16>(ip, 2));
}

/** Whether these bytes are one IPv6 packet, no more and no less. */
export function isWholeIpv6(ip: i32, length: i32): bool {
  return length >= IPV6_HEADER_BYTES && isIpv6(ip) && totalBytesOf(ip) == length;
}

/** Whether an IPv6 packet is for neighbours, or from one (RFC 4291, sections 2.5.2, 2.5.6 and 2.7). */
export function isForNeighbours(ip: i32): bool {
  const isFromNobody = (load<u64>(ip, 8) | load<u64>(ip, 16)) == 0;
  return isFromNobody || load<u8>(ip, 24) == 0xff || isLinkLocal(ip + 8) || isLinkLocal(ip + 24);
}

function isLinkLocal(address: i32): bool {
  return load<u8>(address) == 0xfe && (load<u8>(address, 1) & 0xc0) == 0x80;
}
