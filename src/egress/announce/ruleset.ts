/**
 * Answers to whoever asks on a link which host an address of a pool is on. The kernel turns the question itself into the
 * answer and sends it back by the device it came in by; so a prefix costs what an address costs, and nobody needs to run.
 *
 *     ARP request (RFC 826)            → reply: operation 2, sender and target exchanged, our hardware address
 *     neighbour solicitation (RFC 4861) → advertisement: type 136, solicited and override, source and target exchanged;
 *                                        its option with the asker's hardware address becomes one with ours
 *     duplicate address detection       → advertisement to all nodes: the address is taken (RFC 4862, 5.4.4)
 */
import type { ElementSpec } from '../../netlink/nftables/element.js';
import { NFT_REG_1, NFT_REG_2 } from '../../netlink/nftables/constants.js';
import {
  cmp,
  counter,
  forwardTo,
  immediateData,
  lookup,
  metaLoad,
  NFT_CMP_EQ,
  NFT_CMP_NEQ,
  NFT_META_L4PROTO,
  NFT_META_PKTTYPE,
  NFT_META_PROTOCOL,
  NFT_PAYLOAD_CSUM_INET,
  NFT_PAYLOAD_LL_HEADER,
  NFT_PAYLOAD_NETWORK_HEADER,
  NFT_PAYLOAD_TRANSPORT_HEADER,
  payloadLoad,
  payloadWrite,
  type Expression,
} from '../../netlink/nftables/expressions/index.js';
import type { RulesetSink } from '../../netlink/nftables/recorded-table.js';
import type { SetRef } from '../../netlink/nftables/set.js';
import { addressBytes, FAMILIES, lastAddress, type AddressFamily } from '../address.js';
import type { Interval } from '../interval.js';
import { IPPROTO_ICMPV6, writeAddress } from '../nftables/matches.js';
import type { Pool } from '../pool.js';

export const FAMILY = 'netdev';
const CHAIN = 'announce';
const SETS = { ip: 'ipv4', ip6: 'ipv6' } as const;

/** linux/if_ether.h */
const ETH_P_ARP = 0x0806;
const ETH_P_IPV6 = 0x86dd;
/** linux/if_packet.h: the frame is addressed to this very host. */
const PACKET_HOST = 0;
const MAC_BYTES = 6;

export interface AnnounceSettings {
  readonly table: string;
  readonly comment: string;
  readonly device: { readonly name: string; readonly index: number; readonly mac: Buffer };
  readonly addresses: Pool;
}

/** A sink that may take elements too. */
interface Sink extends RulesetSink {
  addElements?(set: SetRef, elements: readonly ElementSpec[]): unknown;
}

/** Adds the whole table, which must not be there. */
export function addAnnounceTable(sink: Sink, { table, comment, device, addresses }: AnnounceSettings): void {
  sink.addTable({ family: FAMILY, name: table, comment });
  for (const family of FAMILIES) {
    const set = { family: FAMILY, table, name: SETS[family] } as const;
    sink.addSet({ ...set, key: [family === 'ip' ? 'ipv4_addr' : 'ipv6_addr'], intervals: true });
    const elements = addresses[family].flatMap((interval) => elementsOf(family, interval));
    if (elements.length > 0) sink.addElements?.(set, elements);
  }
  const base = { type: 'filter', hook: 'ingress', priority: 0, policy: 'accept', device: device.name } as const;
  sink.addChain({ family: FAMILY, table, name: CHAIN, base });
  const rule = (note: string, expressions: readonly Expression[]): void => {
    sink.addRule({ family: FAMILY, table, chain: CHAIN, comment: note, expressions });
  };
  const index = Buffer.alloc(4);
  index.writeUInt32LE(device.index);
  const send = [immediateData({ dreg: NFT_REG_1, data: index }), forwardTo(NFT_REG_1)];
  rule('ARP', [...arpRequest(), counter(), ...arpReply(device.mac), ...frameTo(undefined, device.mac), ...send]);
  rule('neighbour solicitation', [
    ...solicitation(),
    ...sourceIsUnspecified(false),
    ...transport(24, Buffer.of(1, 1)),
    counter(),
    ...option(device.mac),
    ...advertise(SOLICITED | OVERRIDE),
    ...exchangeAddresses(),
    ...frameTo(undefined, device.mac),
    ...send,
  ]);
  // Whoever knows the address already may ask again without an option (RFC 4861, 7.2.2).
  rule('neighbour solicitation to this host', [
    ...solicitation(),
    ...sourceIsUnspecified(false),
    metaLoad({ key: NFT_META_PKTTYPE, dreg: NFT_REG_1 }),
    equals(Buffer.of(PACKET_HOST)),
    ...network(4, Buffer.of(0, 24)),
    counter(),
    ...advertise(SOLICITED | OVERRIDE),
    ...exchangeAddresses(),
    ...frameTo(undefined, device.mac),
    ...send,
  ]);
  rule('duplicate address detection', [
    ...solicitation(),
    ...sourceIsUnspecified(true),
    counter(),
    ...advertise(OVERRIDE),
    load(NFT_PAYLOAD_TRANSPORT_HEADER, 8, 16, NFT_REG_1),
    writeAddress('ip6', 'source', NFT_REG_1),
    immediateData({ dreg: NFT_REG_1, data: ALL_NODES }),
    writeAddress('ip6', 'destination', NFT_REG_1),
    ...frameTo(ALL_NODES_MAC, device.mac),
    ...send,
  ]);
}

/** Flags of an advertisement, in its byte 4. */
const SOLICITED = 0x40;
const OVERRIDE = 0x20;
/** ff02::1, and where it is sent to (RFC 2464). */
const ALL_NODES = Buffer.from('ff020000000000000000000000000001', 'hex');
const ALL_NODES_MAC = Buffer.from('333300000001', 'hex');
const ARP_REPLY = 2;

/** Ethernet and IPv4, operation 1, for an address of ours. */
const arpRequest = (): Expression[] => [
  metaLoad({ key: NFT_META_PROTOCOL, dreg: NFT_REG_1 }),
  equals(be16(ETH_P_ARP)),
  ...network(0, Buffer.from('0001080006040001', 'hex')),
  load(NFT_PAYLOAD_NETWORK_HEADER, 24, 4, NFT_REG_1),
  lookup({ set: SETS.ip, sreg: NFT_REG_1 }),
];

/** Offsets: operation 6, sender's hardware address 8 and address 14, target's 18 and 24. */
const arpReply = (mac: Buffer): Expression[] => [
  load(NFT_PAYLOAD_NETWORK_HEADER, 24, 4, NFT_REG_2),
  load(NFT_PAYLOAD_NETWORK_HEADER, 8, 10, NFT_REG_1),
  write(NFT_PAYLOAD_NETWORK_HEADER, 18, 10, NFT_REG_1),
  write(NFT_PAYLOAD_NETWORK_HEADER, 14, 4, NFT_REG_2),
  immediateData({ dreg: NFT_REG_1, data: Buffer.concat([be16(ARP_REPLY), mac]) }),
  write(NFT_PAYLOAD_NETWORK_HEADER, 6, 2 + MAC_BYTES, NFT_REG_1),
];

/** From this link (hop limit 255), type 135, code 0, for an address of ours. */
const solicitation = (): Expression[] => [
  metaLoad({ key: NFT_META_PROTOCOL, dreg: NFT_REG_1 }),
  equals(be16(ETH_P_IPV6)),
  metaLoad({ key: NFT_META_L4PROTO, dreg: NFT_REG_1 }),
  equals(Buffer.of(IPPROTO_ICMPV6)),
  ...network(7, Buffer.of(255)),
  ...transport(0, Buffer.of(135, 0)),
  load(NFT_PAYLOAD_TRANSPORT_HEADER, 8, 16, NFT_REG_1),
  lookup({ set: SETS.ip6, sreg: NFT_REG_1 }),
];

const sourceIsUnspecified = (wanted: boolean): Expression[] => [
  load(NFT_PAYLOAD_NETWORK_HEADER, 8, 16, NFT_REG_1),
  cmp({ sreg: NFT_REG_1, op: wanted ? NFT_CMP_EQ : NFT_CMP_NEQ, data: Buffer.alloc(16) }),
];

/** Type 136, and the flags in the word behind the checksum. */
const advertise = (flags: number): Expression[] => [
  immediateData({ dreg: NFT_REG_1, data: Buffer.of(136, 0) }),
  writeIcmp(0, 2, NFT_REG_1),
  immediateData({ dreg: NFT_REG_1, data: Buffer.of(flags, 0, 0, 0) }),
  writeIcmp(4, 4, NFT_REG_1),
];

/** Target link-layer address: type 2, in units of 8 bytes. */
const option = (mac: Buffer): Expression[] => [
  immediateData({ dreg: NFT_REG_1, data: Buffer.concat([Buffer.of(2, 1), mac]) }),
  writeIcmp(24, 2 + MAC_BYTES, NFT_REG_1),
];

/** To the asker, from the address it asked for. */
const exchangeAddresses = (): Expression[] => [
  load(NFT_PAYLOAD_NETWORK_HEADER, 8, 16, NFT_REG_1),
  writeAddress('ip6', 'destination', NFT_REG_1),
  load(NFT_PAYLOAD_TRANSPORT_HEADER, 8, 16, NFT_REG_1),
  writeAddress('ip6', 'source', NFT_REG_1),
];

/** The Ethernet header; to where the frame came from unless said otherwise. */
const frameTo = (to: Buffer | undefined, mac: Buffer): Expression[] => [
  to === undefined
    ? load(NFT_PAYLOAD_LL_HEADER, MAC_BYTES, MAC_BYTES, NFT_REG_1)
    : immediateData({ dreg: NFT_REG_1, data: to }),
  write(NFT_PAYLOAD_LL_HEADER, 0, MAC_BYTES, NFT_REG_1),
  immediateData({ dreg: NFT_REG_1, data: mac }),
  write(NFT_PAYLOAD_LL_HEADER, MAC_BYTES, MAC_BYTES, NFT_REG_1),
];

const equals = (data: Buffer): Expression => cmp({ sreg: NFT_REG_1, op: NFT_CMP_EQ, data });
const load = (base: number, offset: number, length: number, dreg: number): Expression =>
  payloadLoad({ base, offset, length, dreg });
const write = (base: number, offset: number, length: number, sreg: number): Expression =>
  payloadWrite({ base, offset, length, sreg });
/** With the checksum of ICMPv6, which is in bytes 2 and 3. */
const writeIcmp = (offset: number, length: number, sreg: number): Expression =>
  payloadWrite({
    base: NFT_PAYLOAD_TRANSPORT_HEADER,
    offset,
    length,
    sreg,
    checksumType: NFT_PAYLOAD_CSUM_INET,
    checksumOffset: 2,
  });
const network = (offset: number, data: Buffer): Expression[] => [
  load(NFT_PAYLOAD_NETWORK_HEADER, offset, data.length, NFT_REG_1),
  equals(data),
];
const transport = (offset: number, data: Buffer): Expression[] => [
  load(NFT_PAYLOAD_TRANSPORT_HEADER, offset, data.length, NFT_REG_1),
  equals(data),
];

function be16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(value);
  return bytes;
}

/** What lies behind the last address of all needs no end. */
function elementsOf(family: AddressFamily, { first, last }: Interval): ElementSpec[] {
  const start = { key: addressBytes({ family, value: first }) };
  if (last === lastAddress(family)) return [start];
  return [start, { key: addressBytes({ family, value: last + 1n }), isIntervalEnd: true }];
}
