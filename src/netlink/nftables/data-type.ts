/**
 * The types that keys and values of sets are made of. The kernel sees bytes only; the numbers (nft's `enum datatypes`)
 * make `nft list` show them in words.
 *
 * A concatenation is its fields one after the other, each padded with zeros to a multiple of 4.
 */
import { isIPv4, isIPv6 } from 'node:net';
import { align4 } from '../attributes.js';
import { formatIpv6, parseIpv6 } from '../ip-address.js';

const CONCATENATION_BITS = 6;
const CONCATENATION_MASK = (1 << CONCATENATION_BITS) - 1;
const IFNAMSIZ = 16;

interface TypeFacts {
  readonly number: number;
  readonly length: number;
  readonly byteOrder: 'host' | 'network';
}

const facts = {
  ipv4_addr: { number: 7, length: 4, byteOrder: 'network' },
  ipv6_addr: { number: 8, length: 16, byteOrder: 'network' },
  inet_proto: { number: 12, length: 1, byteOrder: 'network' },
  inet_service: { number: 13, length: 2, byteOrder: 'network' },
  mark: { number: 19, length: 4, byteOrder: 'host' },
  ifname: { number: 41, length: IFNAMSIZ, byteOrder: 'host' },
} as const satisfies Record<string, TypeFacts>;

export type DataType = keyof typeof facts;

/** A field in words: dotted or colon text for addresses, a name for `ifname`, a number for the rest. */
export type FieldValue = string | number;

/** The number the kernel keeps for nft, fields of a concatenation six bits each. */
export const typeNumber = (types: readonly DataType[]): number =>
  types.reduce((number, type) => (number << CONCATENATION_BITS) | facts[type].number, 0) >>> 0;

/** The types behind such a number; undefined where one of them is not among ours. */
export function typesOfNumber(number: number): DataType[] | undefined {
  const types: DataType[] = [];
  for (let rest = number; rest !== 0; rest >>>= CONCATENATION_BITS) {
    const type = (Object.keys(facts) as DataType[]).find((name) => facts[name].number === (rest & CONCATENATION_MASK));
    if (type === undefined) return undefined;
    types.unshift(type);
  }
  return types.length === 0 ? undefined : types;
}

/** Length in bytes: a single type's own, a concatenation's with the padding of its fields. */
export function typesLength(types: readonly DataType[]): number {
  const [first] = types;
  if (types.length === 1 && first !== undefined) return facts[first].length;
  return types.reduce((length, type) => length + align4(facts[type].length), 0);
}

/** The byte order nft shows a lone type in; a concatenation has none. */
export const typesByteOrder = (types: readonly DataType[]): 'host' | 'network' | undefined =>
  types.length === 1 && types[0] !== undefined ? facts[types[0]].byteOrder : undefined;

/**
 * A key or value in bytes, from its fields in words.
 * @throws RangeError for a field that is not of its type
 */
export function encodeFields(types: readonly DataType[], values: readonly FieldValue[]): Buffer {
  if (types.length !== values.length) throw new RangeError(`${values.length} values for ${types.length} fields`);
  const out = Buffer.alloc(typesLength(types));
  let offset = 0;
  types.forEach((type, index) => {
    writeField(out, offset, type, values[index] ?? '');
    offset += align4(facts[type].length);
  });
  return out;
}

/** A key or value in words, as nft separates fields. Bytes of another length than the types' are shown in hex. */
export function formatFields(types: readonly DataType[] | undefined, bytes: Buffer): string {
  if (types === undefined || bytes.length !== typesLength(types)) return `0x${bytes.toString('hex')}`;
  let offset = 0;
  return types
    .map((type) => {
      const field = bytes.subarray(offset, offset + facts[type].length);
      offset += align4(facts[type].length);
      return formatField(type, field);
    })
    .join(' . ');
}

function writeField(out: Buffer, offset: number, type: DataType, value: FieldValue): void {
  switch (type) {
    case 'ipv4_addr':
      if (typeof value !== 'string' || !isIPv4(value)) throw unfit(type, value);
      value.split('.').forEach((octet, index) => (out[offset + index] = Number(octet)));
      return;
    case 'ipv6_addr':
      if (typeof value !== 'string' || !isIPv6(value) || value.includes('%')) throw unfit(type, value);
      out.set(parseIpv6(value), offset);
      return;
    case 'ifname':
      if (typeof value !== 'string' || value === '' || Buffer.byteLength(value) >= IFNAMSIZ) throw unfit(type, value);
      out.write(value, offset);
      return;
    case 'mark':
      out.writeUInt32LE(wholeNumber(type, value, 0xffffffff), offset);
      return;
    case 'inet_service':
      out.writeUInt16BE(wholeNumber(type, value, 0xffff), offset);
      return;
    case 'inet_proto':
      out.writeUInt8(wholeNumber(type, value, 0xff), offset);
  }
}

function formatField(type: DataType, field: Buffer): string {
  switch (type) {
    case 'ipv4_addr':
      return field.join('.');
    case 'ipv6_addr':
      return formatIpv6(field) ?? '';
    case 'ifname':
      return field.toString('utf8', 0, field.includes(0) ? field.indexOf(0) : field.length);
    case 'mark':
      return `0x${field.readUInt32LE().toString(16).padStart(8, '0')}`;
    case 'inet_service':
      return String(field.readUInt16BE());
    case 'inet_proto':
      return String(field.readUInt8());
  }
}

function wholeNumber(type: DataType, value: FieldValue, limit: number): number {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 0 || value > limit) throw unfit(type, value);
  return value;
}

const unfit = (type: DataType, value: FieldValue): RangeError => new RangeError(`${value} is not of type ${type}`);
