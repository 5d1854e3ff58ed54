/** The tests that our rules are put together from. */
import { quoteDevice } from '../../../netlink/nftables/commands.js';
import { encodeFields } from '../../../netlink/nftables/data-type.js';
import {
  bitwise,
  cmp,
  fib,
  metaLoad,
  NFTA_FIB_F_IIF,
  NFTA_FIB_F_PRESENT,
  NFTA_FIB_F_SADDR,
  NFT_CMP_EQ,
  NFT_CMP_NEQ,
  NFT_FIB_RESULT_OIF,
  NFT_META_IIFNAME,
  NFT_META_L4PROTO,
  type Expression,
} from '../../../netlink/nftables/expressions/index.js';
import { NFT_REG_1 } from '../../../netlink/nftables/constants.js';
import type { InnerNetwork } from '../../index.js';
import { clause, type Clause } from './clause.js';
import {
  IP_DESTINATION,
  IP_SOURCE,
  network,
  transport,
  UDP_DESTINATION_PORT,
  UDP_HEADER_BYTES,
  UDP_LENGTH,
  UDP_SOURCE_PORT,
} from './packet.js';

/** Where an inner IPv6 header has its source address. */
const INNER_SOURCE6_OFFSET = 8;

const IPPROTO_ICMP = 1;
const IPPROTO_UDP = 17;

const NO_ROUTE = Buffer.alloc(4);

const equals = (data: Uint8Array): Expression => cmp({ sreg: NFT_REG_1, op: NFT_CMP_EQ, data });
const differs = (data: Uint8Array): Expression => cmp({ sreg: NFT_REG_1, op: NFT_CMP_NEQ, data });

const protocol = metaLoad({ key: NFT_META_L4PROTO, dreg: NFT_REG_1 });
const inputDevice = metaLoad({ key: NFT_META_IIFNAME, dreg: NFT_REG_1 });

const address = (dotted: string): Buffer => encodeFields(['ipv4_addr'], [dotted]);
const twoBytes = (value: number): Buffer => encodeFields(['inet_service'], [value]);

/** Bytes behind the IP header as nft names them, by bits: `@th,32,16` is the length in the UDP header. */
const transportText = (offset: number, length: number): string => `@th,${offset * 8},${length * 8}`;
const number = (bytes: Uint8Array): string => `0x${Buffer.from(bytes).toString('hex')}`;

export const isIcmp = (): Clause => clause('meta l4proto icmp', protocol, equals(Buffer.of(IPPROTO_ICMP)));

/** A UDP packet to this port. */
export const udpTo = (port: number): Clause =>
  clause(
    `udp dport ${port}`,
    protocol,
    equals(Buffer.of(IPPROTO_UDP)),
    transport(UDP_DESTINATION_PORT, 2),
    equals(twoBytes(port)),
  );

/** A UDP packet from this port. */
export const udpFrom = (port: number): Clause =>
  clause(
    `udp sport ${port}`,
    protocol,
    equals(Buffer.of(IPPROTO_UDP)),
    transport(UDP_SOURCE_PORT, 2),
    equals(twoBytes(port)),
  );

export const destinationIs = (dotted: string): Clause =>
  clause(`ip daddr ${dotted}`, network(IP_DESTINATION, 4), equals(address(dotted)));

export const sourceIs = (dotted: string): Clause =>
  clause(`ip saddr ${dotted}`, network(IP_SOURCE, 4), equals(address(dotted)));

export const sourceIsNot = (dotted: string): Clause =>
  clause(`ip saddr != ${dotted}`, network(IP_SOURCE, 4), differs(address(dotted)));

/** UDP payload length, as the UDP header gives it. */
export const lengthIs = (bytes: number): Clause => {
  const udpLength = UDP_HEADER_BYTES + bytes;
  return clause(`${transportText(UDP_LENGTH, 2)} ${udpLength}`, transport(UDP_LENGTH, 2), equals(twoBytes(udpLength)));
};

export const lengthIsNot = (bytes: number): Clause => {
  const udpLength = UDP_HEADER_BYTES + bytes;
  const text = `${transportText(UDP_LENGTH, 2)} != ${udpLength}`;
  return clause(text, transport(UDP_LENGTH, 2), differs(twoBytes(udpLength)));
};

/**
 * The payload has these bytes at this offset, 16 at most. Where it is shorter the rule doesn't match. `shown`: a variable
 * of nft's to stand for bytes that nobody is to read in a log.
 */
export const payloadHas = (offset: number, bytes: Uint8Array, shown = number(bytes)): Clause =>
  clause(
    `${transportText(UDP_HEADER_BYTES + offset, bytes.length)} ${shown}`,
    transport(UDP_HEADER_BYTES + offset, bytes.length),
    equals(bytes),
  );
export const payloadHasNot = (offset: number, bytes: Uint8Array): Clause =>
  clause(
    `${transportText(UDP_HEADER_BYTES + offset, bytes.length)} != ${number(bytes)}`,
    transport(UDP_HEADER_BYTES + offset, bytes.length),
    differs(bytes),
  );

/** The payload's first four bits: the version of an inner IP packet. */
export const firstNibbleIs = (nibble: number): Clause =>
  clause(
    `${transportText(UDP_HEADER_BYTES, 1)} & 0xf0 == 0x${nibble.toString(16)}0`,
    transport(UDP_HEADER_BYTES, 1),
    bitwise({ sreg: NFT_REG_1, dreg: NFT_REG_1, mask: Buffer.of(0xf0) }),
    equals(Buffer.of(nibble << 4)),
  );

export const inputDeviceIs = (device: string): Clause =>
  clause(`iifname ${quoteDevice(device)}`, inputDevice, equals(encodeFields(['ifname'], [device])));

/** The inner IPv6 packet comes from this network (RFC 8200, section 3). Its prefix is at least 1. */
export function innerSource6IsIn({ address: first, prefixLength }: InnerNetwork): Clause {
  const length = Math.ceil(prefixLength / 8);
  const bytes = encodeFields(['ipv6_addr'], [first]).subarray(0, length);
  const at = transport(UDP_HEADER_BYTES + INNER_SOURCE6_OFFSET, length);
  const where = transportText(UDP_HEADER_BYTES + INNER_SOURCE6_OFFSET, length);
  if (prefixLength % 8 === 0) return clause(`${where} ${number(bytes)}`, at, equals(bytes));
  const mask = Buffer.alloc(length, 0xff);
  mask.writeUInt8((0xff00 >> (prefixLength % 8)) & 0xff, length - 1);
  return clause(
    `${where} & ${number(mask)} == ${number(bytes)}`,
    at,
    bitwise({ sreg: NFT_REG_1, dreg: NFT_REG_1, mask }),
    equals(bytes),
  );
}

/** No route leads back to the packet's source through the device it came in by. */
export const sourceNotRoutedBack = (): Clause =>
  clause(
    'fib saddr . iif oif missing',
    fib({
      dreg: NFT_REG_1,
      result: NFT_FIB_RESULT_OIF,
      flags: NFTA_FIB_F_SADDR | NFTA_FIB_F_IIF | NFTA_FIB_F_PRESENT,
    }),
    equals(NO_ROUTE),
  );
