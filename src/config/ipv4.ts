import { isIPv4 } from 'node:net';

/** A strict dotted quad (no leading zeros, no short forms) as an unsigned 32-bit number. */
export function ipv4ToNumber(text: string): number | undefined {
  if (!isIPv4(text)) return undefined;
  return text.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
}

/** `value` is an unsigned 32-bit number. */
export function numberToIpv4(value: number): string {
  return [24, 16, 8, 0].map((shift) => (value >>> shift) & 0xff).join('.');
}

/** The address `offset` places further on; undefined where that leaves 32 bits, or where `address` is none. */
export function addToIpv4(address: string, offset: number): string | undefined {
  const base = ipv4ToNumber(address);
  if (base === undefined) return undefined;
  const sum = base + offset;
  return sum >= 0 && sum <= 0xffff_ffff ? numberToIpv4(sum) : undefined;
}

/** Whether one host can own it: neither 0.0.0.0, nor a group (RFC 5771), nor the limited broadcast (RFC 919). */
export function isHostIpv4(address: string): boolean {
  const value = ipv4ToNumber(address);
  if (value === undefined || value === 0 || value === 0xffff_ffff) return false;
  return value >>> 28 !== 0xe;
}
