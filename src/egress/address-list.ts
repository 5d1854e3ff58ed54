/** Lists of single addresses. */
import { formatAddress, type IpAddress } from './address.js';

/** `198.51.100.1, 2001:db8::1` */
export const formatAddresses = (addresses: readonly IpAddress[]): string =>
  addresses.map((address) => formatAddress(address)).join(', ');

/** What is in the one and not in the other. */
export function addressesBeside(list: readonly IpAddress[], other: readonly IpAddress[]): readonly IpAddress[] {
  const known = new Set(other.map((address) => formatAddress(address)));
  return list.filter((address) => !known.has(formatAddress(address)));
}

/** Each once. */
export const distinctAddresses = (addresses: readonly IpAddress[]): readonly IpAddress[] => [
  ...new Map(addresses.map((address) => [formatAddress(address), address])).values(),
];
