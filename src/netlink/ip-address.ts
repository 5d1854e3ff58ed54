/** IP addresses between text and the network-order bytes of messages. */
import { isIPv4, isIPv6 } from 'node:net';

/** The four bytes of a dotted address. Throws RangeError for anything else: addresses from users are checked earlier. */
export function parseIpv4(address: string): Buffer {
  if (!isIPv4(address)) throw new RangeError(`not an IPv4 address: ${address}`);
  return Buffer.from(address.split('.').map(Number));
}

/** The sixteen bytes of an address without a zone, in any of its spellings. Throws RangeError for anything else. */
export function parseIpv6(address: string): Buffer {
  if (!isIPv6(address) || address.includes('%')) throw new RangeError(`not an IPv6 address: ${address}`);
  const [head = '', tail] = shortened(address).split('::');
  const words = (part: string): string[] => (part === '' ? [] : part.split(':'));
  const front = words(head);
  const back = words(tail ?? '');
  const zeros = Array<string>(tail === undefined ? 0 : 8 - front.length - back.length).fill('0');
  return Buffer.from([...front, ...zeros, ...back].map((word) => word.padStart(4, '0')).join(''), 'hex');
}

/** Four bytes, or sixteen. Throws RangeError for what is no address. */
export const parseIp = (address: string): Buffer => (isIPv4(address) ? parseIpv4(address) : parseIpv6(address));

/** Undefined unless given four bytes. */
export const formatIpv4 = (bytes: Buffer | undefined): string | undefined =>
  bytes?.length === 4 ? bytes.join('.') : undefined;

/** As short as can be, like RFC 5952. Undefined unless given sixteen bytes. */
export const formatIpv6 = (bytes: Buffer | undefined): string | undefined =>
  bytes?.length === 16 ? shortened(bytes.toString('hex').replace(/.{4}(?=.)/g, '$&:')) : undefined;

/** Undefined unless given four or sixteen bytes. */
export const formatIp = (bytes: Buffer | undefined): string | undefined => formatIpv4(bytes) ?? formatIpv6(bytes);

/** In hexadecimal words, with the longest run of zeros left out: as hosts are spelt in URLs (WHATWG URL, 3.5). */
const shortened = (address: string): string => new URL(`http://[${address}]`).hostname.slice(1, -1);
