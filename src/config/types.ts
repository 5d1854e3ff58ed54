import { Buffer } from 'node:buffer';
import { isIPv4 } from 'node:net';
import { DEVICE_NAME_MAX_BYTES, PATH_MAX_BYTES, TABLE_NAME_MAX_BYTES } from './constants.js';
import { isHostIpv4 } from './ipv4.js';
import { canonicalIpv6, isHostIpv6 } from './ipv6.js';

/** A value, or what is wrong with the text (read after it: "'x' is not a whole number"). */
export type Parsed<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly problem: string };

/** How one kind of value is written. `parse` is total: any text gives a value or a problem. */
export interface ValueType<T> {
  /** For completion and the like; `flag` is the one kind without a value. */
  readonly kind: 'flag' | 'integer' | 'address' | 'text' | 'base64' | 'device' | 'table' | 'path' | 'choice' | 'form';
  /** What is allowed, in the user's words. */
  readonly allowed: string;
  readonly parse: (text: string) => Parsed<T>;
}

export const accept = <T>(value: T): Parsed<T> => ({ ok: true, value });
export const refuse = (problem: string): { readonly ok: false; readonly problem: string } => ({ ok: false, problem });

/** Takes no value: `parse` is never asked for one that was given, only for the option's presence. */
export const flag: ValueType<true> = { kind: 'flag', allowed: 'no value', parse: () => accept(true) };

export function integer(min: number, max: number): ValueType<number> {
  return {
    kind: 'integer',
    allowed: `${min} to ${max}`,
    parse(text) {
      if (!/^[+-]?[0-9]+$/.test(text)) return refuse('is not a whole number');
      const value = Number(text);
      // `-0` is 0 to a user, and a number of its own to Object.is and to a division.
      return value >= min && value <= max ? accept(value === 0 ? 0 : value) : refuse('is out of range');
    },
  };
}

export const port: ValueType<number> = integer(1, 65_535);

/** Any address that one host can own, as a dotted quad. */
export const ipv4: ValueType<string> = {
  kind: 'address',
  allowed: 'the IPv4 address of one host, such as 192.0.2.1',
  parse(text) {
    if (!isIPv4(text)) return refuse('is not an IPv4 address');
    return isHostIpv4(text) ? accept(text) : refuse('is not the address of one host');
  },
};

/** Any address that one host can own, in the spelling of RFC 5952. */
export const ipv6: ValueType<string> = {
  kind: 'address',
  allowed: 'the IPv6 address of one host, such as fd00::1',
  parse(text) {
    const address = canonicalIpv6(text);
    if (address === undefined) return refuse('is not an IPv6 address');
    return isHostIpv6(address) ? accept(address) : refuse('is not the address of one host');
  },
};

export function choice<const T extends string>(...choices: readonly T[]): ValueType<T> {
  return {
    kind: 'choice',
    allowed: choices.join(', '),
    parse(given) {
      const found = choices.find((one) => one === given);
      return found === undefined ? refuse('is none of the choices') : accept(found);
    },
  };
}

/** `dev_valid_name()` (net/core/dev.c), and without `%`, which the kernel takes for a pattern to number. */
export const deviceName: ValueType<string> = {
  kind: 'device',
  allowed: `a device name of 1 to ${DEVICE_NAME_MAX_BYTES} bytes without blanks, '/', ':' and '%'`,
  parse(given) {
    const bytes = Buffer.from(given);
    if (bytes.length === 0) return refuse('is empty');
    if (bytes.length > DEVICE_NAME_MAX_BYTES) return refuse('is too long');
    if (given === '.' || given === '..') return refuse('is not a device name');
    // 0xa0 inside a UTF-8 sequence is a blank to the kernel's Latin-1 isspace().
    const forbidden = bytes.some(
      (byte) => byte <= 0x20 || byte === 0x7f || byte === 0xa0 || '/:%'.includes(String.fromCharCode(byte)),
    );
    return forbidden ? refuse('is not a device name') : accept(given);
  },
};

/** An identifier that `nft` itself can be told, so that the user can look at the table. */
export const tableName: ValueType<string> = {
  kind: 'table',
  allowed: `a letter or '_', then letters, digits and any of '/', '_', '.', '-'; ${TABLE_NAME_MAX_BYTES} characters at most`,
  parse(given) {
    if (given === '') return refuse('is empty');
    if (given.length > TABLE_NAME_MAX_BYTES) return refuse('is too long');
    return /^[A-Za-z_][A-Za-z0-9/_.-]*$/.test(given) ? accept(given) : refuse('is not a table name');
  },
};

export const path: ValueType<string> = {
  kind: 'path',
  allowed: `a path of 1 to ${PATH_MAX_BYTES} bytes`,
  parse(given) {
    if (given === '') return refuse('is empty');
    if (given.includes('\0')) return refuse('contains a NUL byte');
    return Buffer.byteLength(given) > PATH_MAX_BYTES ? refuse('is too long') : accept(given);
  },
};
