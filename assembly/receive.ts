/**
 * From the wire to the device: datagrams, several of one length in one buffer where the kernel has joined them
 * (UDP_GRO), become inner packets that are checked, joined where that may be, and written one after the other.
 *
 *     rxPrepare  (recvmmsg)  rxStart(n)  rxRun ─▶ WRITE: write writeIovecs(), then rxRun again
 *                                         │ ▲ └─▶ DONE
 *                                         │ └──── rxAnswer
 *                                         └─────▶ ASK: is the packet at askAt() data? It may be an auth packet
 *
 * What is asked: whether a packet is data, where its length could be that of an auth packet, or where anything
 * authenticates. All others are data if they begin like one, and come from the bound endpoint.
 */
import { fold, pseudoSum, sum } from './checksum';
import {
  count,
  DROPPED_CUT,
  DROPPED_FOREIGN,
  DROPPED_MALFORMED,
  DROPPED_UNBOUND,
  DROPPED_UNRECOGNISED,
  IN_BYTES,
  IN_PACKETS,
} from './counters';
import {
  closeFlow,
  continues,
  extendFlow,
  findFlow,
  flowIovecs,
  hasFreeFlow,
  isJoinable,
  oldestFlow,
  openFlow,
  plainTcpAt,
  resetFlows,
  setUpFlows,
} from './flows';
import { headerBytesOf, isIpv6, isWholeIpv6, protocolOf, totalBytesOf } from './ip';
import {
  IOVEC_BYTES,
  MMSGHDR_BYTES,
  MSG_CONTROL,
  MSG_CONTROLLEN,
  MSG_FLAGS,
  MSG_IOV,
  MSG_IOVLEN,
  MSG_LEN,
  MSG_NAME,
  MSG_NAMELEN,
  RX_BUFFER_BYTES,
  RX_BUFFERS,
  RX_CONTROL_BYTES,
  RX_CONTROLS,
  RX_IOVECS,
  RX_MESSAGES,
  RX_NAMES,
  RX_SLOTS,
  SINGLE_HEADER,
  SINGLE_IOVECS,
  SOCKADDR_BYTES,
  VIRTIO_NET_HDR_F_NEEDS_CSUM,
  VIRTIO_NET_HDR_GSO_TCPV4,
  VIRTIO_NET_HDR_GSO_TCPV6,
  VIRTIO_NET_HDR_GSO_UDP_L4,
  VNET_HEADER_BYTES,
} from './layout';
import { carriesIpv6, isAllowedIpv6 } from './prefixes';
import { isAllowed } from './sources';

export const DONE: i32 = 0;
export const WRITE: i32 = 1;
export const ASK: i32 = 2;

const IPPROTO_TCP: u8 = 6;
const IPPROTO_UDP: u8 = 17;
const MSG_TRUNC: i32 = 0x20;
const SOL_UDP: i32 = 17;
const UDP_GRO: i32 = 104;
/** struct cmsghdr and an int */
const GRO_CONTROL_BYTES: i32 = 20;
/** TCP's smallest segment (net.ipv4.tcp_min_snd_mss). */
const SMALLEST_SEGMENT: i32 = 48;
const MAX_ASKED_LENGTHS: i32 = 4;

let arena: u64 = 0;
let withHeader: bool = false;
let mtu: i32 = 0;

let isBound: bool = false;
let boundAddress: u32 = 0;
let boundPort: u16 = 0;

/** Payload lengths that auth packets have; -1 for none. */
let asked0: i32 = -1;
let asked1: i32 = -1;
let asked2: i32 = -1;
let asked3: i32 = -1;
/** Whatever isn't data authenticates. */
let asksForAll: bool = false;

/** The message that is read, and how far. */
let received: i32 = 0;
let index: i32 = 0;
let at: i32 = 0;
let end: i32 = 0;
let segmentBytes: i32 = 0;
/** A datagram without payload is one all the same. */
let isFresh: bool = false;
let fromBound: bool = false;

/** The packet that is looked at. */
let packet: i32 = 0;
let packetBytes: i32 = 0;
/** The segments' length of a packet that is a run of datagrams itself; 0 for any other. */
let innerSegmentBytes: i32 = 0;
let hasPacket: bool = false;
let isAccepted: bool = false;

let outIovecs: i32 = 0;
let outIovecCount: i32 = 0;

export function rxSetUp(address: u64, tunHeader: bool, coalescing: bool): void {
  arena = address;
  withHeader = tunHeader;
  setUpFlows(address);
  for (let slot: i32 = 0; slot < RX_SLOTS; slot++) {
    const message = RX_MESSAGES + slot * MMSGHDR_BYTES;
    const iovec = RX_IOVECS + slot * IOVEC_BYTES;
    store<u64>(message, arena + <u64>(RX_NAMES + slot * SOCKADDR_BYTES), MSG_NAME);
    store<u64>(message, arena + <u64>iovec, MSG_IOV);
    store<u64>(message, 1, MSG_IOVLEN);
    store<u64>(message, coalescing ? arena + <u64>(RX_CONTROLS + slot * RX_CONTROL_BYTES) : 0, MSG_CONTROL);
    store<u64>(iovec, arena + <u64>(RX_BUFFERS + slot * RX_BUFFER_BYTES));
    store<u64>(iovec, <u64>RX_BUFFER_BYTES, 8);
  }
  store<u64>(SINGLE_HEADER, 0);
  store<u16>(SINGLE_HEADER, 0, 8);
  resetFlows();
}

/** As they stand in a struct sockaddr_in. */
export function rxSetBound(bound: bool, address: u32, port: u16): void {
  isBound = bound;
  boundAddress = address;
  boundPort = port;
}

/** Of the device; 0 where it is not known. */
export function rxSetMtu(bytes: i32): void {
  mtu = bytes;
}

/** Returns whether there was room to remember one more. */
export function rxAskLength(bytes: i32): bool {
  if (asked0 < 0) asked0 = bytes;
  else if (asked1 < 0) asked1 = bytes;
  else if (asked2 < 0) asked2 = bytes;
  else if (asked3 < 0) asked3 = bytes;
  else return false;
  return true;
}

export function rxAskAll(): void {
  asksForAll = true;
}

/** The kernel overwrites the lengths of what it fills in. */
export function rxPrepare(): void {
  for (let slot: i32 = 0; slot < RX_SLOTS; slot++) {
    const message = RX_MESSAGES + slot * MMSGHDR_BYTES;
    store<u32>(message, SOCKADDR_BYTES, MSG_NAMELEN);
    store<u64>(message, load<u64>(message, MSG_CONTROL) == 0 ? 0 : <u64>RX_CONTROL_BYTES, MSG_CONTROLLEN);
  }
}

export function rxStart(messages: i32): void {
  received = messages;
  index = 0;
  at = 0;
  end = 0;
  isFresh = false;
  hasPacket = false;
}

export function rxRun(): i32 {
  while (hasPacket || next()) {
    if (!isAccepted) {
      const kind = classify();
      if (kind == ASK) return ASK;
      if (kind == DONE) {
        hasPacket = false;
        continue;
      }
      accept();
      continue;
    }
    if (place()) return WRITE;
  }
  const slot = oldestFlow();
  if (slot < 0) return DONE;
  emitFlow(slot);
  return WRITE;
}

/** Goes on after ASK: data is checked and written, anything else is the asker's. */
export function rxAnswer(isData: bool): void {
  if (isData) accept();
  else hasPacket = false;
}

export function askAt(): i32 {
  return packet;
}
export function askBytes(): i32 {
  return packetBytes;
}
export function askIsBound(): bool {
  return fromBound;
}
/** Address and port as they stand in a struct sockaddr_in. */
export function askAddress(): u32 {
  return load<u32>(RX_NAMES + (index - 1) * SOCKADDR_BYTES, 4);
}
export function askPort(): u16 {
  return load<u16>(RX_NAMES + (index - 1) * SOCKADDR_BYTES, 2);
}

export function writeIovecs(): i32 {
  return outIovecs;
}
export function writeIovecCount(): i32 {
  return outIovecCount;
}

/** Moves on to the next datagram. */
function next(): bool {
  while (at >= end && !isFresh) {
    if (index >= received) return false;
    openMessage();
  }
  isFresh = false;
  packet = at;
  packetBytes = min(segmentBytes, end - at);
  at += packetBytes;
  hasPacket = true;
  isAccepted = false;
  return true;
}

function openMessage(): void {
  const message = RX_MESSAGES + index * MMSGHDR_BYTES;
  const name = RX_NAMES + index * SOCKADDR_BYTES;
  const control = RX_CONTROLS + index * RX_CONTROL_BYTES;
  const length = load<i32>(message, MSG_LEN);
  at = RX_BUFFERS + index * RX_BUFFER_BYTES;
  end = at;
  index++;
  if ((load<i32>(message, MSG_FLAGS) & MSG_TRUNC) != 0 || <u32>length > <u32>RX_BUFFER_BYTES) {
    count(DROPPED_CUT);
    return;
  }
  end = at + length;
  isFresh = true;
  segmentBytes = length;
  innerSegmentBytes = 0;
  fromBound = isBound && load<u32>(name, 4) == boundAddress && load<u16>(name, 2) == boundPort;
  const hasControl =
    load<u64>(message, MSG_CONTROL) != 0 &&
    load<u64>(message, MSG_CONTROLLEN) >= <u64>GRO_CONTROL_BYTES &&
    load<i32>(control, 8) == SOL_UDP &&
    load<i32>(control, 12) == UDP_GRO;
  if (!hasControl) return;
  const joined = load<i32>(control, 16);
  if (joined <= 0 || joined >= length) return;
  if (isUncut(length, joined)) innerSegmentBytes = joined;
  else segmentBytes = joined;
}

/**
 * A kernel at the other end of a veth hands over inner packets that it has not cut up yet, and the length of the pieces
 * with them: such a message is one inner packet, not a run of datagrams. Its header says so, its checksum is left to be
 * done, and no other packet begins behind what would be the first datagram: one that lies swallows no honest ones.
 */
function isUncut(length: i32, joined: i32): bool {
  if (length < 28 || !isInner(at) || totalBytesOf(at) != length) return false;
  const headerBytes = headerBytesOf(at);
  const offset = headerBytes < 20 ? 0 : checksumOffset(at, length, headerBytes);
  if (offset == 0 || !isPseudoOnly(at, length, headerBytes, offset)) return false;
  return !isHeader(at + joined, joined, length - joined);
}

/** Whether it begins like a packet of a version that the tunnel carries. */
function isInner(ip: i32): bool {
  return load<u8>(ip) >> 4 == 4 || (isIpv6(ip) && carriesIpv6());
}

/** Whether a packet begins there that ends within the next `room` bytes; one of IPv6, with the datagram of `joined` at most. */
function isHeader(ip: i32, joined: i32, room: i32): bool {
  if (room < 20 || !isInner(ip)) return false;
  // It has no checksum, and text begins like it often: only the length of a whole one tells it from a payload.
  if (isIpv6(ip)) return isWholeIpv6(ip, min(joined, room));
  const headerBytes = headerBytesOf(ip);
  const total = totalBytesOf(ip);
  return headerBytes >= 20 && headerBytes <= total && total <= room && fold(sum(ip, headerBytes)) == 0xffff;
}

/** WRITE for data, DONE for what is dropped, or ASK. */
function classify(): i32 {
  if (packetBytes == asked0 || packetBytes == asked1 || packetBytes == asked2 || packetBytes == asked3) return ASK;
  if (packetBytes > 0 && isInner(packet)) {
    if (fromBound) return WRITE;
    if (asksForAll) return ASK;
    count(DROPPED_UNBOUND);
    return DONE;
  }
  if (asksForAll) return ASK;
  count(DROPPED_UNRECOGNISED);
  return DONE;
}

/** Checks what the kernel's tunnel device and its IP input check, and where the packet comes from. */
function accept(): void {
  hasPacket = false;
  if (!isWellFormed()) {
    count(DROPPED_MALFORMED);
    return;
  }
  const isOurs = isIpv6(packet) ? isAllowedIpv6(packet + 8) : isAllowed(bswap<u32>(load<u32>(packet, 12)));
  if (!isOurs) {
    count(DROPPED_FOREIGN);
    return;
  }
  const total = totalBytesOf(packet);
  packetBytes = total;
  hasPacket = true;
  isAccepted = true;
  count(IN_PACKETS);
  count(IN_BYTES, total);
}

/** What follows an IPv4 packet in its datagram is nobody's; of IPv6 both lengths have to say the same. */
function isWellFormed(): bool {
  if (packetBytes < 20 || !isInner(packet)) return false;
  if (isIpv6(packet)) return isWholeIpv6(packet, packetBytes);
  const headerBytes = headerBytesOf(packet);
  const total = totalBytesOf(packet);
  return headerBytes >= 20 && total >= headerBytes && total <= packetBytes;
}

/** Returns whether there is something to write; the packet may be waiting still. */
function place(): bool {
  const ipBytes = plainTcpAt(packet, packetBytes);
  if (!withHeader || ipBytes == 0) {
    emitPacket();
    return true;
  }
  const slot = findFlow(packet, ipBytes);
  const joinable = isJoinable(packet, ipBytes, packetBytes);
  if (slot >= 0) {
    if (!joinable || !continues(slot, packet, packetBytes)) {
      emitFlow(slot);
      return true;
    }
    hasPacket = false;
    if (!extendFlow(slot, packet, packetBytes)) return false;
    emitFlow(slot);
    return true;
  }
  if (!joinable) {
    emitPacket();
    return true;
  }
  if (!hasFreeFlow()) {
    emitFlow(oldestFlow());
    return true;
  }
  hasPacket = false;
  openFlow(packet, ipBytes, packetBytes);
  return false;
}

function emitFlow(slot: i32): void {
  outIovecCount = closeFlow(slot);
  outIovecs = flowIovecs(slot);
}

/** A packet by itself. Its checksum may be left to be done where it comes from a kernel on this very host. */
function emitPacket(): void {
  hasPacket = false;
  const headerBytes = headerBytesOf(packet);
  const offset = checksumOffset(packet, packetBytes, headerBytes);
  const isPartial = offset != 0 && isPseudoOnly(packet, packetBytes, headerBytes, offset);
  outIovecs = SINGLE_IOVECS;
  if (!withHeader) {
    if (isPartial) {
      const checksum = ~fold(sum(packet + headerBytes, packetBytes - headerBytes));
      store<u16>(packet + headerBytes + offset, checksum == 0 && offset == 6 ? 0xffff : checksum);
    }
    setIovec(0, packet, packetBytes);
    outIovecCount = 1;
    return;
  }
  store<u64>(SINGLE_HEADER, 0);
  store<u16>(SINGLE_HEADER, 0, 8);
  if (isPartial) {
    store<u8>(SINGLE_HEADER, VIRTIO_NET_HDR_F_NEEDS_CSUM);
    store<u16>(SINGLE_HEADER, <u16>headerBytes, 6);
    store<u16>(SINGLE_HEADER, <u16>offset, 8);
    if (mtu > 0 && packetBytes > mtu) markLong(headerBytes, protocolOf(packet));
  }
  setIovec(0, SINGLE_HEADER, VNET_HEADER_BYTES);
  setIovec(1, packet, packetBytes);
  outIovecCount = 2;
}

/** A packet that its sender has left to be cut up. */
function markLong(headerBytes: i32, protocol: u8): void {
  if (protocol == IPPROTO_TCP) {
    const tcpBytes = <i32>(load<u8>(packet + headerBytes, 12) >> 4) * 4;
    const headers = headerBytes + tcpBytes;
    if (tcpBytes < 20 || headers >= packetBytes) return;
    store<u8>(SINGLE_HEADER, isIpv6(packet) ? VIRTIO_NET_HDR_GSO_TCPV6 : VIRTIO_NET_HDR_GSO_TCPV4, 1);
    store<u16>(SINGLE_HEADER, <u16>headers, 2);
    store<u16>(SINGLE_HEADER, <u16>max(SMALLEST_SEGMENT, mtu - headers), 4);
  } else if (innerSegmentBytes > 0) {
    store<u8>(SINGLE_HEADER, VIRTIO_NET_HDR_GSO_UDP_L4, 1);
    store<u16>(SINGLE_HEADER, <u16>(headerBytes + 8), 2);
    store<u16>(SINGLE_HEADER, <u16>innerSegmentBytes, 4);
  }
}

/** Where behind the IP header the checksum of TCP or UDP stands; 0 where there is none, as in a fragment. */
function checksumOffset(ip: i32, bytes: i32, headerBytes: i32): i32 {
  if (!isIpv6(ip) && (load<u16>(ip, 6) & 0xff3f) != 0) return 0;
  const protocol = protocolOf(ip);
  if (protocol == IPPROTO_TCP && bytes >= headerBytes + 20) return 16;
  if (protocol == IPPROTO_UDP && bytes >= headerBytes + 8) return 6;
  return 0;
}

/** Whether the checksum field holds the sum of the pseudo header alone, as Linux leaves it for the hardware. */
function isPseudoOnly(ip: i32, bytes: i32, headerBytes: i32, offset: i32): bool {
  const field = load<u16>(ip + headerBytes + offset);
  return field != 0 && field == fold(pseudoSum(ip, protocolOf(ip), bytes - headerBytes));
}

function setIovec(which: i32, where: i32, bytes: i32): void {
  const iovec = SINGLE_IOVECS + which * IOVEC_BYTES;
  store<u64>(iovec, arena + <u64>where);
  store<u64>(iovec, <u64>bytes, 8);
}
