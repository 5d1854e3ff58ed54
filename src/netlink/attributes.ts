/**
 * Netlink attributes: the type-length-value lists that every netlink family builds its messages from.
 *
 *     struct nlattr { u16 nla_len; u16 nla_type; }  payload  padding to 4      (host byte order; linux/netlink.h)
 *
 * `nla_len` covers header and payload, not the padding. The two top bits of `nla_type` are flags.
 */
import { endianness } from 'node:os';

const NLA_F_NESTED = 0x8000;
const NLA_TYPE_MASK = 0x3fff;
export const NLA_HDRLEN = 4;
const NLA_MAX_LENGTH = 0xffff;

if (endianness() !== 'LE') throw new Error('ipipou-ts runs on little-endian machines only');

/** Rounds a length up to the alignment of attributes and messages (NLA_ALIGN, NLMSG_ALIGN). */
export const align4 = (length: number): number => (length + 3) & ~3;

/** One encoded attribute, padded. */
export function attribute(type: number, payload: Uint8Array): Buffer {
  const length = NLA_HDRLEN + payload.length;
  if (length > NLA_MAX_LENGTH) throw new RangeError(`netlink attribute ${type} of ${length} bytes: the limit is 65535`);
  const out = header(type, payload.length);
  out.set(payload, NLA_HDRLEN);
  return out;
}

/** An attribute of so many bytes that is still to be filled. */
function header(type: number, payloadLength: number): Buffer {
  const length = NLA_HDRLEN + payloadLength;
  // A message is made of dozens of these: out of Node's pool each costs a fraction of memory of its own.
  const out = Buffer.allocUnsafe(align4(length));
  out.writeUInt16LE(length, 0);
  out.writeUInt16LE(type, 2);
  if (out.length > length) out.fill(0, length);
  return out;
}

/** An attribute whose payload is a list of attributes. */
export const nested = (type: number, children: readonly Buffer[]): Buffer =>
  attribute(type | NLA_F_NESTED, Buffer.concat(children));

export function u8(type: number, value: number): Buffer {
  const out = header(type, 1);
  out.writeUInt8(value, NLA_HDRLEN);
  return out;
}

/** Host byte order, as rtnetlink and generic netlink want their numbers. */
export function u16(type: number, value: number): Buffer {
  const out = header(type, 2);
  out.writeUInt16LE(value, NLA_HDRLEN);
  return out;
}

/** Host byte order. */
export function u32(type: number, value: number): Buffer {
  const out = header(type, 4);
  out.writeUInt32LE(value, NLA_HDRLEN);
  return out;
}

/** Network byte order, for what is network data (ports), and for every number of nf_tables and nfnetlink. */
export function be16(type: number, value: number): Buffer {
  const out = header(type, 2);
  out.writeUInt16BE(value, NLA_HDRLEN);
  return out;
}

/** Network byte order; negative values are written in two's complement. */
export function be32(type: number, value: number): Buffer {
  const out = header(type, 4);
  out.writeUInt32BE(value >>> 0, NLA_HDRLEN);
  return out;
}

/** Network byte order. */
export function be64(type: number, value: bigint): Buffer {
  const payload = Buffer.alloc(8);
  payload.writeBigUInt64BE(value);
  return attribute(type, payload);
}

/** NUL-terminated text. */
export const text = (type: number, value: string): Buffer => attribute(type, Buffer.from(`${value}\0`));

/**
 * Reads an attribute list. Total: any bytes may be given. The first fault found sticks in `fault`, every reader
 * returns undefined from then on, and the caller checks `fault` once at the end. Where a type occurs more than once the
 * last one counts, as in the kernel; types nobody asks for are skipped.
 */
export class AttributeDecoder {
  /** What is wrong with the list, in words; undefined while nothing is. */
  fault: string | undefined;
  private readonly byType = new Map<number, Buffer>();
  private readonly inOrder: { readonly type: number; readonly payload: Buffer }[] = [];
  private readonly parent: AttributeDecoder | undefined;

  /** `parent` is the list that this one is an attribute of: faults found here, whenever that is, stick there too. */
  constructor(bytes: Buffer, parent?: AttributeDecoder) {
    this.parent = parent;
    let offset = 0;
    while (bytes.length - offset >= NLA_HDRLEN) {
      const length = bytes.readUInt16LE(offset);
      if (length < NLA_HDRLEN || offset + length > bytes.length) {
        this.fail(`attribute at byte ${offset} claims ${length} of ${bytes.length - offset} bytes`);
        return;
      }
      const type = bytes.readUInt16LE(offset + 2) & NLA_TYPE_MASK;
      const payload = bytes.subarray(offset + NLA_HDRLEN, offset + length);
      this.byType.set(type, payload);
      this.inOrder.push({ type, payload });
      offset += align4(length);
    }
    if (offset < bytes.length) this.fail(`${bytes.length - offset} bytes left behind the last attribute`);
  }

  has(type: number): boolean {
    return this.byType.has(type);
  }

  bytes(type: number): Buffer | undefined {
    return this.fault === undefined ? this.byType.get(type) : undefined;
  }

  u8(type: number): number | undefined {
    return this.fixed(type, 1)?.readUInt8();
  }

  u16(type: number): number | undefined {
    return this.fixed(type, 2)?.readUInt16LE();
  }

  u32(type: number): number | undefined {
    return this.fixed(type, 4)?.readUInt32LE();
  }

  be16(type: number): number | undefined {
    return this.fixed(type, 2)?.readUInt16BE();
  }

  be32(type: number): number | undefined {
    return this.fixed(type, 4)?.readUInt32BE();
  }

  be64(type: number): bigint | undefined {
    return this.fixed(type, 8)?.readBigUInt64BE();
  }

  /** Text up to the first NUL, or all of it where there is none. */
  text(type: number): string | undefined {
    const payload = this.bytes(type);
    if (payload === undefined) return undefined;
    const end = payload.indexOf(0);
    return payload.toString('utf8', 0, end < 0 ? payload.length : end);
  }

  /** The attributes inside one of the list; their faults are ours too. */
  nested(type: number): AttributeDecoder | undefined {
    const payload = this.bytes(type);
    return payload === undefined ? undefined : new AttributeDecoder(payload, this);
  }

  /** Every attribute of one type, in the order of the list, each decoded as a list of its own. */
  list(type: number): AttributeDecoder[] {
    if (this.fault !== undefined) return [];
    return this.inOrder
      .filter((entry) => entry.type === type)
      .map((entry) => new AttributeDecoder(entry.payload, this));
  }

  private fixed(type: number, length: number): Buffer | undefined {
    const payload = this.bytes(type);
    if (payload === undefined) return undefined;
    if (payload.length !== length) {
      this.fail(`attribute ${type} has ${payload.length} bytes instead of ${length}`);
      return undefined;
    }
    return payload;
  }

  private fail(fault: string): void {
    this.fault ??= fault;
    this.parent?.fail(fault);
  }
}
