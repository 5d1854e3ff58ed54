/**
 * Matches and targets of iptables that iptables-nft keeps in its own form within nf_tables. Layouts are those of 64-bit
 * little-endian machines, from linux/netfilter/xt_*.h.
 */
import { answer, not, type Answer } from './compare.js';
import { IPPROTO_UDP, RTN_LOCAL, STATE_ESTABLISHED, STATE_NEW } from './constants.js';
import type { JudgedPacket } from './packet.js';

/** Whether the packet has what the match asks for. Total: what is cut off or unknown gives `maybe`. */
export function xtMatches(packet: JudgedPacket, name: string, revision: number, info: Buffer): Answer {
  switch (name) {
    case 'comment':
      return 'yes';
    case 'tcp':
    case 'icmp':
    case 'icmp6':
    case 'sctp':
      return packet.protocol === IPPROTO_UDP ? 'no' : 'maybe';
    case 'udp':
      return packet.protocol === IPPROTO_UDP ? udp(packet, info) : 'maybe';
    case 'multiport':
      return revision === 1 && packet.protocol === IPPROTO_UDP ? multiport(packet, info) : 'maybe';
    case 'conntrack':
      return revision === 3 ? conntrack(packet, info) : 'maybe';
    case 'addrtype':
      return revision === 1 ? addressType(packet, info) : 'maybe';
    default:
      return 'maybe';
  }
}

const UDP_INFO_BYTES = 9;

/** struct xt_udp { u16 spts[2]; u16 dpts[2]; u8 invflags; } */
function udp(packet: JudgedPacket, info: Buffer): Answer {
  if (info.length < UDP_INFO_BYTES) return 'maybe';
  const inverted = info.readUInt8(8);
  const port = (value: number | undefined, offset: number, bit: number): Answer => {
    const [from, to] = [info.readUInt16LE(offset), info.readUInt16LE(offset + 2)];
    const inside: Answer =
      from === 0 && to === 0xffff ? 'yes' : value === undefined ? 'maybe' : answer(value >= from && value <= to);
    return (inverted & bit) === 0 ? inside : not(inside);
  };
  return both(port(packet.sourcePort, 0, 1), port(packet.destinationPort, 4, 2));
}

const MULTIPORT_INFO_BYTES = 48;
const MULTIPORT_MAX = 15;
const [MULTIPORT_SOURCE, MULTIPORT_DESTINATION] = [0, 1];

/** struct xt_multiport_v1 { u8 flags; u8 count; u16 ports[15]; u8 pflags[15]; u8 invert; } */
function multiport(packet: JudgedPacket, info: Buffer): Answer {
  if (info.length < MULTIPORT_INFO_BYTES) return 'maybe';
  const [which, count] = [info.readUInt8(0), Math.min(info.readUInt8(1), MULTIPORT_MAX)];
  const listed = (port: number | undefined): Answer => {
    if (port === undefined) return 'maybe';
    for (let index = 0; index < count; index += 1) {
      const from = info.readUInt16LE(2 + 2 * index);
      const isRange = info.readUInt8(32 + index) !== 0 && index + 1 < count;
      const to = isRange ? info.readUInt16LE(4 + 2 * index) : from;
      if (port >= from && port <= to) return 'yes';
      if (isRange) index += 1;
    }
    return 'no';
  };
  const found =
    which === MULTIPORT_SOURCE
      ? listed(packet.sourcePort)
      : which === MULTIPORT_DESTINATION
        ? listed(packet.destinationPort)
        : not(both(not(listed(packet.sourcePort)), not(listed(packet.destinationPort))));
  return info.readUInt8(47) === 0 ? found : not(found);
}

const CONNTRACK_INFO_BYTES = 154;
const XT_CONNTRACK_STATE = 1;

/** struct xt_conntrack_mtinfo3 { … 146 bytes; u16 match_flags; u16 invert_flags; u16 state_mask; u16 status_mask; … } */
function conntrack(packet: JudgedPacket, info: Buffer): Answer {
  if (info.length < CONNTRACK_INFO_BYTES) return 'maybe';
  const [asked, inverted, states] = [info.readUInt16LE(146), info.readUInt16LE(148), info.readUInt16LE(150)];
  const state = packet.state === 'new' ? STATE_NEW : STATE_ESTABLISHED;
  const has = answer(((states & state) !== 0) === ((inverted & XT_CONNTRACK_STATE) === 0));
  if (asked === XT_CONNTRACK_STATE) return has;
  return (asked & XT_CONNTRACK_STATE) !== 0 && has === 'no' ? 'no' : 'maybe';
}

/** struct xt_addrtype_info_v1 { u16 source; u16 dest; u32 flags; } */
function addressType(packet: JudgedPacket, info: Buffer): Answer {
  if (info.length < 8 || packet.direction !== 'in') return 'maybe';
  const [source, destination, flags] = [info.readUInt16LE(0), info.readUInt16LE(2), info.readUInt32LE(4)];
  if (source !== 0 || flags !== 0) return 'maybe';
  return answer((destination & (1 << RTN_LOCAL)) !== 0);
}

/** What a target does to the packet; `goes-on`: nothing that keeps it from its way. */
export function xtTarget(name: string): 'goes-on' | 'drop' | 'accept' | 'diverted' | 'unknown' {
  if (name === 'REJECT') return 'drop';
  if (name === 'DNAT' || name === 'REDIRECT' || name === 'TPROXY' || name === 'NETMAP') return 'diverted';
  if (name === 'SNAT' || name === 'MASQUERADE') return 'accept';
  return GOES_ON.has(name) ? 'goes-on' : 'unknown';
}

const GOES_ON: ReadonlySet<string> = new Set([
  ...['AUDIT', 'CHECKSUM', 'CLASSIFY', 'CONNMARK', 'CONNSECMARK', 'CT', 'DSCP', 'ECN', 'HL', 'HMARK', 'LED', 'LOG'],
  ...['MARK', 'NFLOG', 'NOTRACK', 'RATEEST', 'SECMARK', 'SET', 'TCPMSS', 'TEE', 'TOS', 'TRACE', 'TTL', 'ULOG'],
]);

function both(one: Answer, other: Answer): Answer {
  if (one === 'no' || other === 'no') return 'no';
  return one === 'yes' && other === 'yes' ? 'yes' : 'maybe';
}
