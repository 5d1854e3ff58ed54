/** How users write addresses: `192.0.2.0/24`, `192.0.2.10-192.0.2.20`, `192.0.2.1`, and the same in IPv6. */
import { formatAddress, lastAddress, parseAddress, WIDTH, type AddressFamily } from './address.js';
import type { Interval } from './interval.js';
import { accept, refuse, type Parsed } from './parsed.js';

export interface AddressRange extends Interval {
  readonly family: AddressFamily;
  /** Where it was written as a prefix: its length. */
  readonly prefixLength?: number;
}

export const RANGE_FORMS = 'prefixes (192.0.2.0/24), ranges (192.0.2.1-192.0.2.9) or addresses, IPv4 or IPv6';
export const PREFIX_FORMS = 'ADDRESS or ADDRESS/LENGTH, such as 2001:db8::/64, with no bit set behind the length';

/** Total: any text gives a range or what is wrong with it. */
export function parseRange(text: string): Parsed<AddressRange> {
  const dash = text.indexOf('-');
  return dash < 0 ? parsePrefix(text) : parseEnds(text.slice(0, dash), text.slice(dash + 1));
}

/** A prefix, or an address for the prefix that has it alone. */
export function parsePrefix(text: string): Parsed<AddressRange> {
  const slash = text.indexOf('/');
  const address = parseAddress(slash < 0 ? text : text.slice(0, slash));
  if (address === undefined) return refuse('is not an IP address');
  const { family, value } = address;
  const width = WIDTH[family];
  const lengthText = slash < 0 ? String(width) : text.slice(slash + 1);
  const prefixLength = /^(0|[1-9][0-9]{0,2})$/.test(lengthText) ? Number(lengthText) : Infinity;
  if (prefixLength > width) return refuse('has a wrong prefix length');
  const hostMask = (1n << BigInt(width - prefixLength)) - 1n;
  if ((value & hostMask) !== 0n) {
    const meant = `${formatAddress({ family, value: value & ~hostMask })}/${prefixLength}`;
    return refuse(`has bits set behind its prefix (${meant} is meant?)`);
  }
  return accept({ family, first: value, last: value | hostMask, prefixLength });
}

/** As users see it again: a prefix where it is one. */
export function formatRange({ family, first, last }: AddressRange): string {
  const start = formatAddress({ family, value: first });
  if (first === last) return start;
  const hostBits = (last - first + 1n).toString(2).length - 1;
  const isPrefix = last - first + 1n === 1n << BigInt(hostBits) && (first & (last - first)) === 0n;
  return isPrefix ? `${start}/${WIDTH[family] - hostBits}` : `${start}-${formatAddress({ family, value: last })}`;
}

/** Everything there is. */
export const wholeRange = (family: AddressFamily): AddressRange => ({
  family,
  first: 0n,
  last: lastAddress(family),
  prefixLength: 0,
});

function parseEnds(from: string, to: string): Parsed<AddressRange> {
  const [first, last] = [parseAddress(from.trim()), parseAddress(to.trim())];
  if (first === undefined || last === undefined) return refuse('is not a range of IP addresses');
  if (first.family !== last.family) return refuse('begins in one IP version and ends in the other');
  if (first.value > last.value) return refuse('ends before it begins');
  return accept({ family: first.family, first: first.value, last: last.value });
}
