/**
 * Packets at and around every edge of the classifier. The pure function, the kernel's ruleset and the userspace loop are
 * all held against it: `classify(payload, schemes, udpLength, ipv6)` says what each of them must do.
 */
import type { ClassifierScheme } from '../../src/core/classifier.js';

export interface CorpusPacket {
  readonly name: string;
  /** What follows the UDP header in the IP packet. */
  readonly payload: Buffer;
  /** The length field of the UDP header. */
  readonly udpLength: number;
  /** Whether the field says what is there; packets where it does not can't be sent through a UDP socket. */
  readonly honest: boolean;
}

/** Sets of schemes worth trying: each alone, and all together. */
export const CORPUS_SCHEMES: readonly { readonly name: string; readonly schemes: readonly ClassifierScheme[] }[] = [
  { name: 'none', schemes: [{ kind: 'none' }] },
  { name: 'ed25519', schemes: [{ kind: 'ed25519' }] },
  { name: 'token of 1 byte', schemes: [token('D')] },
  { name: 'token of 15 bytes', schemes: [token('Else where it is')] },
  { name: 'token of 16 bytes', schemes: [token('open sesame, now')] },
  { name: 'token of 40 bytes', schemes: [token('a token that is longer than one register')] },
  { name: 'token like an inner packet', schemes: [{ kind: 'token', token: inner(60) }] },
  { name: 'token of a signed packet’s length', schemes: [{ kind: 'token', token: Buffer.alloc(73, 'x') }] },
  { name: 'token of 1472 bytes', schemes: [{ kind: 'token', token: Buffer.alloc(1472, 'long') }] },
  {
    name: 'all',
    schemes: [{ kind: 'ed25519' }, token('open sesame, now'), token('D'), { kind: 'none' }],
  },
  { name: 'ed25519 and a token', schemes: [{ kind: 'ed25519' }, token('open sesame, now')] },
];

/** The same packets every time. */
export function classifierCorpus(schemes: readonly ClassifierScheme[]): readonly CorpusPacket[] {
  const packets: CorpusPacket[] = [];
  const add = (name: string, payload: Buffer, udpLength = 8 + payload.length): void => {
    packets.push({ name, payload, udpLength, honest: udpLength === 8 + payload.length });
  };

  add('empty', Buffer.alloc(0));
  for (let nibble = 0; nibble < 16; nibble += 1) {
    for (const length of [1, 2, 3, 4, 20, 72, 73, 74, 500]) {
      add(`nibble ${nibble}, ${length} bytes`, filled(length, nibble << 4));
    }
  }
  for (const length of [20, 28, 72, 73, 74, 84, 1472]) add(`inner packet of ${length} bytes`, inner(length));
  for (const total of [0, 1, 72, 73, 74, 0x4900, 0x0149, 0x4949, 0xffff]) {
    add(`73 bytes, nibble 4, total length ${total}`, withTotal(inner(73), total));
    add(`74 bytes, nibble 4, total length ${total}`, withTotal(inner(74), total));
    add(`73 bytes, nibble 6, total length ${total}`, withTotal(filled(73, 0x60), total));
  }
  for (const length of [0, 1, 32, 33, 34, 73, 0x2100, 0x0121, 0xffff]) {
    for (const bytes of [72, 73, 74]) {
      add(`${bytes} bytes, nibble 6, payload length ${length}`, withPayloadLength(filled(bytes, 0x60), length));
    }
  }
  for (const length of [1, 4, 5, 6]) {
    add(`${length} bytes of nibble 6 under UDP length 81`, filled(length, 0x60), 81);
  }
  for (const first of [0x40, 0x45, 0x46, 0x4f]) add(`73 bytes, first byte ${first}`, filled(73, first));

  for (const scheme of schemes) {
    if (scheme.kind !== 'token') continue;
    const bytes = Buffer.from(scheme.token);
    add('token', bytes);
    add('token reversed', Buffer.from(bytes).reverse());
    add('token without its last byte', bytes.subarray(0, -1));
    add('token and a byte', Buffer.concat([bytes, Buffer.of(0)]));
    for (const at of new Set([0, 14, 15, 16, bytes.length - 1].filter((index) => index < bytes.length))) {
      const changed = Buffer.from(bytes);
      changed.writeUInt8(changed.readUInt8(at) ^ 1, at);
      add(`token with byte ${at} changed`, changed);
    }
    add('token under a UDP length one short', bytes, 8 + bytes.length - 1);
    add('token under a UDP length one long', bytes, 8 + bytes.length + 1);
    add('token’s UDP length with nothing behind it', Buffer.alloc(0), 8 + bytes.length);
    add('token’s UDP length with more behind it', Buffer.concat([bytes, Buffer.from('more')]), 8 + bytes.length);
  }

  for (const udpLength of [0, 7, 8, 9, 80, 82, 65535]) {
    add(`73 bytes of nibble 4 under UDP length ${udpLength}`, filled(73, 0x45), udpLength);
    add(`73 bytes of nibble 9 under UDP length ${udpLength}`, filled(73, 0x90), udpLength);
  }
  for (const length of [0, 1, 2, 3, 4, 72, 100]) {
    add(`${length} bytes of nibble 4 under UDP length 81`, filled(length, 0x45), 81);
    add(`${length} bytes of nibble 9 under UDP length 81`, filled(length, 0x90), 81);
  }
  return packets;
}

function token(text: string): ClassifierScheme {
  return { kind: 'token', token: Buffer.from(text) };
}

/** `length` bytes that tell their places, the first of which is given. */
function filled(length: number, first: number): Buffer {
  const payload = Buffer.from(Array.from({ length }, (_, index) => (index * 37 + 11) & 0xff));
  if (length > 0) payload.writeUInt8(first, 0);
  return payload;
}

/** An IPv4 packet as far as its first bytes go: version 4, five words of header, its own length. */
function inner(length: number): Buffer {
  return withTotal(filled(length, 0x45), length);
}

function withTotal(payload: Buffer, total: number): Buffer {
  const out = Buffer.from(payload);
  out.writeUInt16BE(total, 2);
  return out;
}

/** As an IPv6 header has it (RFC 8200, section 3). */
function withPayloadLength(packet: Buffer, length: number): Buffer {
  packet.writeUInt16BE(length, 4);
  return packet;
}
