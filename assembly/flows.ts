/**
 * Joins TCP packets of one connection that follow each other into one long packet, which the kernel takes as if it had
 * joined them itself (GRO). Only what comes out the same when it is cut up again is joined: equal headers but for what
 * counts along, nothing but ACK and PSH, no gap, right checksums, all of one length but a shorter last one.
 *
 *     flow, 64 bytes: 0 source u32, 4 destination u32, 8 ports u32, 12 acknowledgement u32, 16 next sequence u32,
 *                     20 first packet, 24 bytes of headers, 28 payload bytes of a segment, 32 total length,
 *                     36 iovecs (0: the slot is free), 40 age, 44 flags seen, 48 bytes of the IP header
 *
 * Of IPv6 addresses, source and destination are the last words; the first packet has the rest.
 */
import { fillLength, fold, pseudoSum, sum } from './checksum';
import { count, JOINED_PACKETS } from './counters';
import { IPV6_HEADER_BYTES, isIpv6, isWholeIpv6, protocolOf } from './ip';
import {
  FLOW_BYTES,
  FLOW_HEADER_BYTES,
  FLOW_HEADERS,
  FLOW_IOVECS,
  FLOW_MAX_IOVECS,
  FLOW_SLOTS,
  FLOWS,
  IOVEC_BYTES,
  VIRTIO_NET_HDR_F_NEEDS_CSUM,
  VIRTIO_NET_HDR_GSO_TCPV4,
  VIRTIO_NET_HDR_GSO_TCPV6,
  VNET_HEADER_BYTES,
} from './layout';

const IPPROTO_TCP: u8 = 6;
const TCP_ACK: u8 = 0x10;
const TCP_PSH: u8 = 0x08;
const MAX_TOTAL: i32 = 65535;
const TCP_CHECKSUM: i32 = 16;

const SOURCE: i32 = 0;
const DESTINATION: i32 = 4;
const PORTS: i32 = 8;
const ACKNOWLEDGEMENT: i32 = 12;
const NEXT: i32 = 16;
const FIRST: i32 = 20;
const HEADERS: i32 = 24;
const PAYLOAD: i32 = 28;
const TOTAL: i32 = 32;
const IOVECS: i32 = 36;
const AGE: i32 = 40;
const SEEN: i32 = 44;
const IP_BYTES: i32 = 48;

let arena: u64 = 0;
let clock: i32 = 0;
let openFlows: i32 = 0;

export function setUpFlows(address: u64): void {
  arena = address;
}

export function resetFlows(): void {
  for (let slot: i32 = 0; slot < FLOW_SLOTS; slot++) store<i32>(flowAt(slot), 0, IOVECS);
  openFlows = 0;
  clock = 0;
}

function flowAt(slot: i32): i32 {
  return FLOWS + slot * FLOW_BYTES;
}

/** The flow that the TCP packet belongs to; -1 for none. */
export function findFlow(ip: i32, ipBytes: i32): i32 {
  if (openFlows == 0) return -1;
  const source = sourceOf(ip);
  const destination = destinationOf(ip);
  const ports = load<u32>(ip + ipBytes);
  for (let slot: i32 = 0; slot < FLOW_SLOTS; slot++) {
    const flow = flowAt(slot);
    if (
      load<i32>(flow, IOVECS) != 0 &&
      load<u32>(flow, SOURCE) == source &&
      load<u32>(flow, DESTINATION) == destination &&
      load<u32>(flow, PORTS) == ports &&
      load<i32>(flow, IP_BYTES) == ipBytes &&
      (ipBytes != IPV6_HEADER_BYTES || sameAddresses(ip, load<i32>(flow, FIRST)))
    ) {
      return slot;
    }
  }
  return -1;
}

/** Of IPv6 the last word. */
function sourceOf(ip: i32): u32 {
  return isIpv6(ip) ? load<u32>(ip, 20) : load<u32>(ip, 12);
}
function destinationOf(ip: i32): u32 {
  return isIpv6(ip) ? load<u32>(ip, 36) : load<u32>(ip, 16);
}

function sameAddresses(ip: i32, other: i32): bool {
  const difference = v128.or(
    v128.xor(v128.load(ip, 8), v128.load(other, 8)),
    v128.xor(v128.load(ip, 24), v128.load(other, 24)),
  );
  return !v128.any_true(difference);
}

/** The flow that was opened first; -1 for none. */
export function oldestFlow(): i32 {
  if (openFlows == 0) return -1;
  let oldest: i32 = -1;
  for (let slot: i32 = 0; slot < FLOW_SLOTS; slot++) {
    if (load<i32>(flowAt(slot), IOVECS) == 0) continue;
    if (oldest < 0 || load<i32>(flowAt(slot), AGE) < load<i32>(flowAt(oldest), AGE)) oldest = slot;
  }
  return oldest;
}

export function hasFreeFlow(): bool {
  return openFlows < FLOW_SLOTS;
}

/** The bytes of the IP header where TCP stands directly behind it, and nothing else does; 0 for any other packet. */
export function plainTcpAt(ip: i32, length: i32): i32 {
  if (protocolOf(ip) != IPPROTO_TCP) return 0;
  const ipBytes = isIpv6(ip) ? IPV6_HEADER_BYTES : load<u8>(ip) == 0x45 ? 20 : 0;
  return ipBytes != 0 && length >= ipBytes + 20 ? ipBytes : 0;
}

/** Whether the packet may be joined with others: plain TCP with a payload, whole and right. `ipBytes`: plainTcpAt(). */
export function isJoinable(ip: i32, ipBytes: i32, length: i32): bool {
  const tcp = ip + ipBytes;
  const tcpBytes = <i32>(load<u8>(tcp, 12) >> 4) * 4;
  if (tcpBytes < 20 || ipBytes + tcpBytes >= length) return false;
  if ((load<u8>(tcp, 12) & 15) != 0 || (load<u8>(tcp, 13) & ~TCP_PSH) != TCP_ACK) return false;
  if (isIpv6(ip) ? !isWholeIpv6(ip, length) : !isRightIpv4(ip)) return false;
  return fold(pseudoSum(ip, IPPROTO_TCP, length - ipBytes) + sum(tcp, length - ipBytes)) == 0xffff;
}

function isRightIpv4(ip: i32): bool {
  // Neither a fragment nor the beginning of some; bit 15 of the flags is no packet of ours to judge.
  return (load<u16>(ip, 6) & 0xffbf) == 0 && fold(sum(ip, 20)) == 0xffff;
}

/** Begins a flow with a packet that is joinable. There has to be a free slot. Returns it. */
export function openFlow(ip: i32, ipBytes: i32, length: i32): i32 {
  let slot: i32 = 0;
  while (load<i32>(flowAt(slot), IOVECS) != 0) slot++;
  const flow = flowAt(slot);
  const tcp = ip + ipBytes;
  const headers = ipBytes + <i32>(load<u8>(tcp, 12) >> 4) * 4;
  store<u32>(flow, sourceOf(ip), SOURCE);
  store<u32>(flow, destinationOf(ip), DESTINATION);
  store<u32>(flow, load<u32>(tcp), PORTS);
  store<u32>(flow, load<u32>(tcp, 8), ACKNOWLEDGEMENT);
  store<u32>(flow, bswap<u32>(load<u32>(tcp, 4)) + <u32>(length - headers), NEXT);
  store<i32>(flow, ip, FIRST);
  store<i32>(flow, headers, HEADERS);
  store<i32>(flow, length - headers, PAYLOAD);
  store<i32>(flow, length, TOTAL);
  store<i32>(flow, 2, IOVECS);
  store<i32>(flow, clock++, AGE);
  store<i32>(flow, load<u8>(tcp, 13), SEEN);
  store<i32>(flow, ipBytes, IP_BYTES);
  setIovec(slot, 0, FLOW_HEADERS + slot * FLOW_HEADER_BYTES, VNET_HEADER_BYTES);
  setIovec(slot, 1, ip, length);
  openFlows++;
  return slot;
}

/** Whether a joinable packet continues the flow that it belongs to. */
export function continues(slot: i32, ip: i32, length: i32): bool {
  const flow = flowAt(slot);
  const headers = load<i32>(flow, HEADERS);
  const first = load<i32>(flow, FIRST);
  const ipBytes = load<i32>(flow, IP_BYTES);
  const tcp = ip + ipBytes;
  const payload = length - headers;
  if (ipBytes + <i32>(load<u8>(tcp, 12) >> 4) * 4 != headers || payload <= 0) return false;
  if (payload > load<i32>(flow, PAYLOAD) || load<i32>(flow, TOTAL) + payload > MAX_TOTAL) return false;
  if (load<i32>(flow, IOVECS) >= FLOW_MAX_IOVECS || (load<i32>(flow, SEEN) & TCP_PSH) != 0) return false;
  if (bswap<u32>(load<u32>(tcp, 4)) != load<u32>(flow, NEXT)) return false;
  if (load<u32>(tcp, 8) != load<u32>(flow, ACKNOWLEDGEMENT)) return false;
  if (!(isIpv6(ip) ? likeIpv6(ip, first) : likeIpv4(ip, first))) return false;
  // Window and urgent pointer; options.
  const firstTcp = first + ipBytes;
  if (load<u16>(tcp, 14) != load<u16>(firstTcp, 14) || load<u16>(tcp, 18) != load<u16>(firstTcp, 18)) return false;
  for (let at: i32 = ipBytes + 20; at < headers; at += 4) {
    if (load<u32>(ip + at) != load<u32>(first + at)) return false;
  }
  return true;
}

/** Type of service, the flag against fragments, time to live. */
function likeIpv4(ip: i32, first: i32): bool {
  if (load<u8>(ip, 1) != load<u8>(first, 1) || load<u16>(ip, 6) != load<u16>(first, 6)) return false;
  return load<u8>(ip, 8) == load<u8>(first, 8);
}

/** Traffic class and flow label, hop limit. */
function likeIpv6(ip: i32, first: i32): bool {
  return load<u32>(ip) == load<u32>(first) && load<u8>(ip, 7) == load<u8>(first, 7);
}

/** Adds a packet that continues the flow. Returns whether nothing may follow it. */
export function extendFlow(slot: i32, ip: i32, length: i32): bool {
  const flow = flowAt(slot);
  const headers = load<i32>(flow, HEADERS);
  const payload = length - headers;
  const iovecs = load<i32>(flow, IOVECS);
  setIovec(slot, iovecs, ip + headers, payload);
  store<i32>(flow, iovecs + 1, IOVECS);
  store<i32>(flow, load<i32>(flow, TOTAL) + payload, TOTAL);
  store<u32>(flow, load<u32>(flow, NEXT) + <u32>payload, NEXT);
  const seen = load<i32>(flow, SEEN) | (<i32>load<u8>(ip + load<i32>(flow, IP_BYTES), 13));
  store<i32>(flow, seen, SEEN);
  count(JOINED_PACKETS);
  return payload < load<i32>(flow, PAYLOAD) || (seen & TCP_PSH) != 0;
}

export function flowIovecs(slot: i32): i32 {
  return FLOW_IOVECS + slot * FLOW_MAX_IOVECS * IOVEC_BYTES;
}

/** Makes the flow one packet and frees its slot, whose iovecs stay as they are until the next flow. Returns their number. */
export function closeFlow(slot: i32): i32 {
  const flow = flowAt(slot);
  const iovecs = load<i32>(flow, IOVECS);
  const header = FLOW_HEADERS + slot * FLOW_HEADER_BYTES;
  store<u64>(header, 0);
  store<u16>(header, 0, 8);
  if (iovecs > 2) {
    const ip = load<i32>(flow, FIRST);
    const total = load<i32>(flow, TOTAL);
    const headers = load<i32>(flow, HEADERS);
    const ipBytes = load<i32>(flow, IP_BYTES);
    fillLength(ip, total);
    store<u8>(ip + ipBytes, <u8>load<i32>(flow, SEEN), 13);
    store<u16>(ip + ipBytes, fold(pseudoSum(ip, IPPROTO_TCP, total - ipBytes)), TCP_CHECKSUM);
    store<u8>(header, VIRTIO_NET_HDR_F_NEEDS_CSUM);
    store<u8>(header, isIpv6(ip) ? VIRTIO_NET_HDR_GSO_TCPV6 : VIRTIO_NET_HDR_GSO_TCPV4, 1);
    store<u16>(header, <u16>headers, 2);
    store<u16>(header, <u16>load<i32>(flow, PAYLOAD), 4);
    store<u16>(header, <u16>ipBytes, 6);
    store<u16>(header, <u16>TCP_CHECKSUM, 8);
  }
  store<i32>(flow, 0, IOVECS);
  openFlows--;
  return iovecs;
}

function setIovec(slot: i32, index: i32, at: i32, bytes: i32): void {
  const iovec = flowIovecs(slot) + index * IOVEC_BYTES;
  store<u64>(iovec, arena + <u64>at);
  store<u64>(iovec, <u64>bytes, 8);
}
