/** IP addresses as numbers, which is what pools count with. */
import { isIPv4, isIPv6 } from 'node:net';
import { encodeFields, formatFields } from '../netlink/nftables/data-type.js';

/** By the names that nftables has for them. */
export type AddressFamily = 'ip' | 'ip6';

export const FAMILIES: readonly AddressFamily[] = ['ip', 'ip6'];

/** Bits of an address. */
export const WIDTH: Readonly<Record<AddressFamily, number>> = { ip: 32, ip6: 128 };

const TYPE = { ip: 'ipv4_addr', ip6: 'ipv6_addr' } as const;

export interface IpAddress {
  readonly family: AddressFamily;
  readonly value: bigint;
}

/** The highest address of a family. */
export const lastAddress = (family: AddressFamily): bigint => (1n << BigInt(WIDTH[family])) - 1n;

/** Strict dotted quads, and IPv6 in any spelling without a zone. Total. */
export function parseAddress(text: string): IpAddress | undefined {
  const family = isIPv4(text) ? 'ip' : isIPv6(text) && !text.includes('%') ? 'ip6' : undefined;
  return family && { family, value: BigInt(`0x${encodeFields([TYPE[family]], [text]).toString('hex')}`) };
}

/** In network byte order: 4 or 16 bytes. */
export const addressBytes = ({ family, value }: IpAddress): Buffer =>
  Buffer.from(value.toString(16).padStart(WIDTH[family] / 4, '0'), 'hex');

/** From network byte order; undefined unless given 4 or 16 bytes. */
export function addressOf(bytes: Buffer): IpAddress | undefined {
  const family = FAMILIES.find((one) => WIDTH[one] / 8 === bytes.length);
  return family && { family, value: BigInt(`0x${bytes.toString('hex')}`) };
}

export const formatAddress = (address: IpAddress): string =>
  formatFields([TYPE[address.family]], addressBytes(address));
