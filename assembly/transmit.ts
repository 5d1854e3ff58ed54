/**
 * From the device to the wire: packets as TUN hands them over, checksums and the segmentation of TCP left to us, become
 * datagrams of one inner packet each. Datagrams of one length in a row become one message that the kernel cuts up
 * (UDP_SEGMENT, udp(7)); a shorter one may end it.
 *
 *     txBegin  (read into txAt(), txPacket)…  txEnd → messages to send
 */
import { fillIpChecksum, fold, pseudoSum, sum } from './checksum';
import { count, DROPPED_NO_PEER, DROPPED_UNSENDABLE, FOR_NEIGHBOURS, OUT_BYTES, OUT_PACKETS } from './counters';
import { IPV6_HEADER_BYTES, isForNeighbours, isIpv6, isWholeIpv6, protocolOf } from './ip';
import {
  IOVEC_BYTES,
  MMSGHDR_BYTES,
  MSG_CONTROL,
  MSG_CONTROLLEN,
  MSG_IOV,
  MSG_IOVLEN,
  MSG_NAME,
  MSG_NAMELEN,
  SOCKADDR_BYTES,
  TX_BUFFER,
  TX_BUFFER_END,
  TX_CONTROL_BYTES,
  TX_CONTROLS,
  TX_HEADER_BYTES,
  TX_HEADERS,
  TX_IOVECS,
  TX_MAX_SEGMENTS,
  TX_MESSAGES,
  TX_NAME,
  VIRTIO_NET_HDR_F_NEEDS_CSUM,
  VIRTIO_NET_HDR_GSO_ECN,
  VIRTIO_NET_HDR_GSO_NONE,
  VIRTIO_NET_HDR_GSO_TCPV4,
  VIRTIO_NET_HDR_GSO_TCPV6,
  VNET_HEADER_BYTES,
} from './layout';
import { carriesIpv6 } from './prefixes';

const IPPROTO_TCP: u8 = 6;
const IPPROTO_UDP: u8 = 17;
const TCP_FIN: u8 = 0x01;
const TCP_PSH: u8 = 0x08;
const TCP_CWR: u8 = 0x80;
/** linux/udp.h: what older kernels take. */
const UDP_MAX_SEGMENTS: i32 = 64;
/** 65535 less the headers of IPv4 and UDP. */
const MAX_PAYLOAD: i32 = 65507;
const SOL_UDP: i32 = 17;
const UDP_SEGMENT: i32 = 103;
/** The longest that a read can be, and room to go on with. */
const READ_BYTES: i32 = 65535 + 10;
/** So many segments one packet more may still take. */
const SPARE_SEGMENTS: i32 = 1536;

let arena: u64 = 0;
let withHeader: bool = false;
let withSegmentation: bool = false;
let hasPeer: bool = false;

let readAt: i32 = TX_BUFFER;
let messages: i32 = 0;
let iovecs: i32 = 0;
let segments: i32 = 0;

/** The message that is being filled. */
let isOpen: bool = false;
let takesMore: bool = false;
let messageSegments: i32 = 0;
let messageBytes: i32 = 0;
let messageIovecs: i32 = 0;
let segmentBytes: i32 = 0;

export function txSetUp(address: u64, tunHeader: bool, segmentation: bool): void {
  arena = address;
  withHeader = tunHeader;
  withSegmentation = segmentation;
}

/** As they stand in a struct sockaddr_in. */
export function txSetPeer(bound: bool, address: u32, port: u16): void {
  hasPeer = bound;
  store<u16>(TX_NAME, 2);
  store<u16>(TX_NAME, port, 2);
  store<u32>(TX_NAME, address, 4);
  store<u64>(TX_NAME, 0, 8);
}

export function txBegin(): void {
  readAt = TX_BUFFER;
  messages = 0;
  iovecs = 0;
  segments = 0;
  isOpen = false;
}

/** Where the next packet is to be read to, READ_BYTES at most; 0 where there is no room for one more. */
export function txAt(): i32 {
  const isFull = readAt + READ_BYTES > TX_BUFFER_END || segments + SPARE_SEGMENTS > TX_MAX_SEGMENTS;
  return isFull ? 0 : readAt;
}

/** What was read: `length` bytes at txAt(). */
export function txPacket(length: i32): void {
  if (isNoise(length)) {
    count(FOR_NEIGHBOURS);
    return;
  }
  if (!hasPeer) {
    count(DROPPED_NO_PEER);
    return;
  }
  const isTaken = withHeader ? takeWithHeader(readAt, length) : takePlain(readAt, length);
  if (isTaken) readAt = (readAt + length + 7) & ~7;
  else count(DROPPED_UNSENDABLE);
}

/** How many messages there are to send. */
export function txEnd(): i32 {
  closeMessage();
  return messages;
}

/** What the kernel itself sends to find routers, listeners and neighbours, of which there are none in a tunnel. */
function isNoise(length: i32): bool {
  const header = withHeader ? VNET_HEADER_BYTES : 0;
  const ip = readAt + header;
  return carriesIpv6() && length >= header + IPV6_HEADER_BYTES && isIpv6(ip) && isForNeighbours(ip);
}

/** The lengths in the header are the truth, as everywhere. */
function isInner(ip: i32, length: i32): bool {
  if (carriesIpv6() && isWholeIpv6(ip, length)) return true;
  if (length < 20 || load<u8>(ip) >> 4 != 4) return false;
  const headerBytes = <i32>(load<u8>(ip) & 15) * 4;
  return headerBytes >= 20 && headerBytes <= length && <i32>bswap<u16>(load<u16>(ip, 2)) == length;
}

function takePlain(ip: i32, length: i32): bool {
  if (!isInner(ip, length) || length > MAX_PAYLOAD) return false;
  append(ip, length, 0, 0);
  return true;
}

function takeWithHeader(at: i32, read: i32): bool {
  const ip = at + VNET_HEADER_BYTES;
  const length = read - VNET_HEADER_BYTES;
  if (length < 20) return false;
  const needsChecksum = (load<u8>(at) & VIRTIO_NET_HDR_F_NEEDS_CSUM) != 0;
  const kind = load<u8>(at, 1) & ~VIRTIO_NET_HDR_GSO_ECN;
  if (kind == VIRTIO_NET_HDR_GSO_TCPV4) return cutTcp(ip, length, <i32>load<u16>(at, 4));
  if (kind == VIRTIO_NET_HDR_GSO_TCPV6) {
    return needsChecksum && cutTcpIpv6(ip, length, <i32>load<u16>(at, 6), <i32>load<u16>(at, 4));
  }
  if (kind != VIRTIO_NET_HDR_GSO_NONE || !isInner(ip, length) || length > MAX_PAYLOAD) return false;
  if (needsChecksum && !complete(ip, length, <i32>load<u16>(at, 6), <i32>load<u16>(at, 8))) return false;
  append(ip, length, 0, 0);
  return true;
}

/** The field holds the sum of the pseudo header already. */
function complete(ip: i32, length: i32, start: i32, offset: i32): bool {
  if (start + offset + 2 > length) return false;
  const checksum = ~fold(sum(ip + start, length - start));
  // RFC 768: zero would say that there is none. RFC 8200, section 8.1: and there has to be one.
  const isZeroUdp = checksum == 0 && (isIpv6(ip) || load<u8>(ip, 9) == IPPROTO_UDP);
  store<u16>(ip + start + offset, isZeroUdp ? 0xffff : checksum);
  return true;
}

/** A long TCP packet of IPv4. */
function cutTcp(ip: i32, length: i32, payloadBytes: i32): bool {
  if (load<u8>(ip) >> 4 != 4 || load<u8>(ip, 9) != IPPROTO_TCP) return false;
  const ipBytes = <i32>(load<u8>(ip) & 15) * 4;
  return ipBytes >= 20 && cut(ip, ipBytes, length, payloadBytes);
}

/** A long TCP packet of IPv6, whose header may be extended: TCP begins where its checksum is to be begun. */
function cutTcpIpv6(ip: i32, length: i32, tcpAt: i32, payloadBytes: i32): bool {
  if (!carriesIpv6() || !isIpv6(ip) || tcpAt < IPV6_HEADER_BYTES) return false;
  if (tcpAt == IPV6_HEADER_BYTES && protocolOf(ip) != IPPROTO_TCP) return false;
  return cut(ip, tcpAt, length, payloadBytes);
}

/** As RFC 9293 and Linux' tcp_gso_segment() have it. */
function cut(ip: i32, ipBytes: i32, length: i32, payloadBytes: i32): bool {
  if (payloadBytes == 0 || ipBytes + 20 > length) return false;
  const tcpBytes = <i32>(load<u8>(ip + ipBytes, 12) >> 4) * 4;
  const headerBytes = ipBytes + tcpBytes;
  if (tcpBytes < 20 || headerBytes > length || headerBytes + payloadBytes > MAX_PAYLOAD) return false;
  if (headerBytes > TX_HEADER_BYTES) return false;
  const end = ip + length;
  const all = (length - headerBytes + payloadBytes - 1) / payloadBytes;
  if (all > SPARE_SEGMENTS) return false;
  if (all <= 1) payloadBytes = length - headerBytes;

  const is6 = isIpv6(ip);
  const id = bswap<u16>(load<u16>(ip, 4));
  // The field holds the sum of the pseudo header. Where that of IPv6 is routed, its addresses are not the header's.
  const ipv6Sum = <u64>load<u16>(ip + ipBytes, 16) + <u64>(~bswap<u16>(<u16>(length - ipBytes)) & 0xffff);
  const sequence = bswap<u32>(load<u32>(ip + ipBytes, 4));
  const flags = load<u8>(ip + ipBytes, 13);
  let payload = ip + headerBytes;
  let index: i32 = 0;
  do {
    const bytes = min(payloadBytes, end - payload);
    const isLast = payload + bytes == end;
    const header = TX_HEADERS + segments * TX_HEADER_BYTES;
    memory.copy(header, ip, headerBytes);
    if (is6) store<u16>(header, bswap<u16>(<u16>(headerBytes + bytes - IPV6_HEADER_BYTES)), 4);
    else {
      store<u16>(header, bswap<u16>(<u16>(headerBytes + bytes)), 2);
      store<u16>(header, bswap<u16>(id + <u16>index), 4);
      fillIpChecksum(header, ipBytes);
    }
    const tcp = header + ipBytes;
    store<u32>(tcp, bswap<u32>(sequence + <u32>(index * payloadBytes)), 4);
    let own = flags;
    if (!isLast) own &= ~(TCP_FIN | TCP_PSH);
    if (index > 0) own &= ~TCP_CWR;
    store<u8>(tcp, own, 13);
    store<u16>(tcp, 0, 16);
    const pseudo = is6
      ? ipv6Sum + <u64>bswap<u16>(<u16>(tcpBytes + bytes))
      : pseudoSum(header, IPPROTO_TCP, tcpBytes + bytes);
    const total = pseudo + sum(tcp, tcpBytes) + sum(payload, bytes);
    store<u16>(tcp, ~fold(total), 16);
    append(header, headerBytes, payload, bytes);
    payload += bytes;
    index++;
  } while (payload < end);
  return true;
}

/** One more datagram, of one part or two. */
function append(first: i32, firstBytes: i32, second: i32, secondBytes: i32): void {
  const bytes = firstBytes + secondBytes;
  const fits =
    isOpen &&
    takesMore &&
    bytes <= segmentBytes &&
    messageSegments < UDP_MAX_SEGMENTS &&
    messageBytes + bytes <= MAX_PAYLOAD;
  if (!fits) {
    closeMessage();
    openMessage(bytes);
  }
  addIovec(first, firstBytes);
  if (secondBytes > 0) addIovec(second, secondBytes);
  messageBytes += bytes;
  messageSegments++;
  segments++;
  if (bytes < segmentBytes) takesMore = false;
  count(OUT_PACKETS);
  count(OUT_BYTES, bytes);
}

function addIovec(at: i32, bytes: i32): void {
  const iovec = TX_IOVECS + iovecs * IOVEC_BYTES;
  store<u64>(iovec, arena + <u64>at);
  store<u64>(iovec, <u64>bytes, 8);
  iovecs++;
  messageIovecs++;
}

function openMessage(bytes: i32): void {
  const message = TX_MESSAGES + messages * MMSGHDR_BYTES;
  store<u64>(message, arena + <u64>TX_NAME, MSG_NAME);
  store<u32>(message, SOCKADDR_BYTES, MSG_NAMELEN);
  store<u64>(message, arena + <u64>(TX_IOVECS + iovecs * IOVEC_BYTES), MSG_IOV);
  isOpen = true;
  takesMore = withSegmentation;
  messageSegments = 0;
  messageBytes = 0;
  messageIovecs = 0;
  segmentBytes = bytes;
}

function closeMessage(): void {
  if (!isOpen) return;
  const message = TX_MESSAGES + messages * MMSGHDR_BYTES;
  store<u64>(message, <u64>messageIovecs, MSG_IOVLEN);
  if (messageSegments > 1) {
    // struct cmsghdr { size_t len; int level; int type; } u16
    const control = TX_CONTROLS + messages * TX_CONTROL_BYTES;
    store<u64>(control, 18);
    store<i32>(control, SOL_UDP, 8);
    store<i32>(control, UDP_SEGMENT, 12);
    store<u16>(control, <u16>segmentBytes, 16);
    store<u64>(message, arena + <u64>control, MSG_CONTROL);
    store<u64>(message, 24, MSG_CONTROLLEN);
  } else {
    store<u64>(message, 0, MSG_CONTROL);
    store<u64>(message, 0, MSG_CONTROLLEN);
  }
  messages++;
  isOpen = false;
}
