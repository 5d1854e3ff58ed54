import { formatAddress, lastAddress, parseAddress } from '../egress/address.js';

/** In the spelling of RFC 5952; undefined for what is no IPv6 address, or has a zone. */
export function canonicalIpv6(text: string): string | undefined {
  const address = parseAddress(text);
  return address?.family === 'ip6' ? formatAddress(address) : undefined;
}

/** The address `offset` places further on; undefined where that leaves 128 bits, or where `address` is none. */
export function addToIpv6(address: string, offset: number): string | undefined {
  const value = (parseAddress(address)?.value ?? -1n) + BigInt(offset);
  return value >= 0n && value <= lastAddress('ip6') ? formatAddress({ family: 'ip6', value }) : undefined;
}

/** The ranges that are no host's own for packets to and from elsewhere (RFC 4291, sections 2.4 and 2.5). */
const NOT_OF_HOSTS: readonly (readonly [first: bigint, prefixLength: bigint])[] = [
  // Unspecified and loopback.
  [0n, 127n],
  // IPv4-mapped.
  [0xffffn << 32n, 96n],
  // Link-local: of several devices at once, told apart by a zone.
  [0xfe80n << 112n, 10n],
  // Groups.
  [0xffn << 120n, 8n],
];

/** Whether one host can own it, wherever it is reached from. */
export function isHostIpv6(text: string): boolean {
  const address = parseAddress(text);
  if (address?.family !== 'ip6') return false;
  return !NOT_OF_HOSTS.some(([first, length]) => (address.value ^ first) >> (128n - length) === 0n);
}
