/**
 * ICMP errors quote the packet that they are about, as it was on the wire: with mapped addresses and ports. A rule that
 * maps back to one address (and one port) does so for quoted packets too, or path MTU discovery would not work and a
 * refused connection would hang. What was quoted as the source is now the destination, and the other way round.
 *
 *     ICMP header 8 bytes (RFC 792, RFC 4443), IP header without options 20 or 40 bytes, ports
 */
import { NFT_PAYLOAD_TRANSPORT_HEADER } from '../../netlink/nftables/expressions/constants.js';
import {
  cmp,
  immediateData,
  NFT_CMP_EQ,
  NFT_PAYLOAD_CSUM_INET,
  NFT_RANGE_EQ,
  notrack,
  payloadLoad,
  payloadWrite,
  range,
  type Expression,
} from '../../netlink/nftables/expressions/index.js';
import { NFT_REG32_00, NFT_REG_1 } from '../../netlink/nftables/constants.js';
import { addressBytes, type AddressFamily } from '../address.js';
import type { AddressRange } from '../address-range.js';
import { portBytes } from '../nftables/draw-words.js';
import {
  addressIn,
  addressPlace,
  bytesBetween,
  familyIs,
  inputDeviceIs,
  IPPROTO_ICMP,
  IPPROTO_ICMPV6,
  outputDeviceIs,
  portPlace,
  portsBetween,
  protocolIs,
  writeAddress,
  type Side,
} from '../nftables/matches.js';
import { SIDES } from './mapping.js';
import { familyOf, PORT_PROTOCOLS, type RandmapSpec } from './spec.js';

const ICMP_HEADER_BYTES = 8;
const ICMP_CHECKSUM_OFFSET = 2;
const IPV4_CHECKSUM_OFFSET = 10;
const PROTOCOL_OFFSET = { ip: 9, ip6: 6 } as const;
const IP_HEADER_BYTES = { ip: 20, ip6: 40 } as const;
/** Version 4, five words: an IPv4 header without options. */
const PLAIN_IPV4 = 0x45;
/** Destination unreachable, time exceeded, parameter problem; RFC 4443 has the errors at 1 to 4. */
const ERROR_TYPES = { ip: [[3], [11, 12]], ip6: [[1, 4]] } as const;

/** The tests, and behind them what is done about it; one rule for each pair. */
export interface ErrorRule {
  readonly matches: Expression[];
  readonly actions: Expression[][];
}

/** None where the rule does not map back to one address, or would take every error for its own. */
export function icmpErrorRules(spec: RandmapSpec, isBeforeTracking: boolean): ErrorRule[] {
  const family = familyOf(spec);
  if (family === undefined) return [];
  const restored = SIDES.filter((side) => isOne(spec[side].prefix) && spec[side].match !== undefined);
  if (restored.length === 0) return [];
  const matches = [
    ...(spec.inputDevice === undefined ? [] : inputDeviceIs(spec.inputDevice)),
    ...(spec.outputDevice === undefined ? [] : outputDeviceIs(spec.outputDevice)),
    ...familyIs(family),
    ...protocolIs(family === 'ip' ? IPPROTO_ICMP : IPPROTO_ICMPV6),
    ...(family === 'ip' ? [load(ICMP_HEADER_BYTES, 1), equals(Buffer.of(PLAIN_IPV4))] : []),
    ...(spec.protocol === undefined ? [] : quotedProtocolIs(family, spec.protocol)),
    ...quotedMatches(spec, family),
    // The error itself goes to the address that is mapped back; it may come from any router.
    ...(restored.includes('destination') ? outerMatch(spec, family) : []),
  ];
  const actions = restoreRules(spec, family, restored, isBeforeTracking);
  return ERROR_TYPES[family].map((types) => ({ matches: [...matches, ...typeIn(types)], actions }));
}

function restoreRules(
  spec: RandmapSpec,
  family: AddressFamily,
  restored: readonly Side[],
  isBeforeTracking: boolean,
): Expression[][] {
  const addresses = restored.flatMap((side) => {
    const { prefix } = spec[side];
    if (prefix === undefined) return [];
    const data = addressBytes({ family, value: prefix.first });
    return [
      immediateData({ dreg: NFT_REG32_00, data }),
      writeQuotedAddress(family, otherSide(side)),
      ...(side === 'destination' ? [writeAddress(family, side, NFT_REG32_00)] : []),
    ];
  });
  const writes = restored.flatMap((side) => {
    const { ports } = spec[side];
    return ports === undefined || ports.from !== ports.to
      ? []
      : [immediateData({ dreg: NFT_REG32_00, data: portBytes(ports.from) }), writeQuotedPort(family, otherSide(side))];
  });
  const protocols = spec.protocol === undefined ? PORT_PROTOCOLS : [spec.protocol];
  const ports = protocols.map((protocol) =>
    writes.length === 0 ? [] : [...quotedProtocolIs(family, protocol), ...writes],
  );
  return [[...(isBeforeTracking ? [notrack()] : []), ...addresses], ...ports].filter((rule) => rule.length > 0);
}

function quotedMatches(spec: RandmapSpec, family: AddressFamily): Expression[] {
  return SIDES.flatMap((side) => {
    const { match, matchPorts } = spec[side];
    const quoted = otherSide(side);
    const address = addressPlace(family, quoted);
    const port = portPlace(quoted);
    return [
      ...(match === undefined
        ? []
        : [load(ICMP_HEADER_BYTES + address.offset, address.length), bytesBetween(family, match.first, match.last)]),
      ...(matchPorts === undefined
        ? []
        : [load(quotedPorts(family) + port.offset, port.length), portsBetween(matchPorts)]),
    ];
  });
}

function outerMatch(spec: RandmapSpec, family: AddressFamily): Expression[] {
  const { match } = spec.destination;
  return match === undefined ? [] : addressIn(family, 'destination', match);
}

/**
 * In IPv4 the quoted header's own checksum is put right, and the sum over both, which the ICMP checksum is about, stays
 * as it was. IPv6 headers have none.
 */
function writeQuotedAddress(family: AddressFamily, side: Side): Expression {
  const { offset, length } = addressPlace(family, side);
  return payloadWrite({
    sreg: NFT_REG32_00,
    base: NFT_PAYLOAD_TRANSPORT_HEADER,
    offset: ICMP_HEADER_BYTES + offset,
    length,
    checksumType: NFT_PAYLOAD_CSUM_INET,
    checksumOffset: family === 'ip' ? ICMP_HEADER_BYTES + IPV4_CHECKSUM_OFFSET : ICMP_CHECKSUM_OFFSET,
  });
}

function writeQuotedPort(family: AddressFamily, side: Side): Expression {
  const { offset, length } = portPlace(side);
  return payloadWrite({
    sreg: NFT_REG32_00,
    base: NFT_PAYLOAD_TRANSPORT_HEADER,
    offset: quotedPorts(family) + offset,
    length,
    checksumType: NFT_PAYLOAD_CSUM_INET,
    checksumOffset: ICMP_CHECKSUM_OFFSET,
  });
}

const quotedPorts = (family: AddressFamily): number => ICMP_HEADER_BYTES + IP_HEADER_BYTES[family];

const quotedProtocolIs = (family: AddressFamily, protocol: number): Expression[] => [
  load(ICMP_HEADER_BYTES + PROTOCOL_OFFSET[family], 1),
  equals(Buffer.of(protocol)),
];

function typeIn(types: readonly number[]): Expression[] {
  const [from = 0, to = from] = types;
  const test =
    from === to
      ? equals(Buffer.of(from))
      : range({ sreg: NFT_REG_1, op: NFT_RANGE_EQ, from: Buffer.of(from), to: Buffer.of(to) });
  return [load(0, 1), test];
}

const load = (offset: number, length: number): Expression =>
  payloadLoad({ base: NFT_PAYLOAD_TRANSPORT_HEADER, offset, length, dreg: NFT_REG_1 });
const equals = (data: Uint8Array): Expression => cmp({ sreg: NFT_REG_1, op: NFT_CMP_EQ, data });

const isOne = (prefix: AddressRange | undefined): boolean => prefix !== undefined && prefix.first === prefix.last;
const otherSide = (side: Side): Side => (side === 'source' ? 'destination' : 'source');
