/** IP addresses between text and the network-order bytes of messages. */
import { isIPv4 } from 'node:net';

/** The four bytes of a dotted address. Throws RangeError for anything else: addresses from users are checked earlier. */
export function parseIpv4(address: string): Buffer {
  if (!isIPv4(address)) throw new RangeError(`not an IPv4 address: ${address}`);
  return Buffer.from(address.split('.').map(Number));
}

/** Undefined unless given four bytes. */
export const formatIpv4 = (bytes: Buffer | undefined): string | undefined =>
  bytes?.length === 4 ? bytes.join('.') : undefined;

/** Eight groups, not shortened. Undefined unless given sixteen bytes. */
export function formatIpv6(bytes: Buffer | undefined): string | undefined {
  if (bytes?.length !== 16) return undefined;
  return Array.from({ length: 8 }, (_, group) => bytes.readUInt16BE(group * 2).toString(16)).join(':');
}
