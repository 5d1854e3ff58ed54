/**
 * The classic auth packets, byte for byte those of the Python `ipipou` 0.1. Each is the whole payload of one UDP packet:
 *
 *     none      empty
 *     token     the token
 *     ed25519    0                     64          69        73
 *               | signature           | time (BE) | salt     |     signed: time | salt | secret
 *
 * An answer is a packet of the ed25519 form by the server's key, or the request with its bytes in reverse order.
 */
import { createHash, sign, timingSafeEqual, verify } from 'node:crypto';
import { MAX_TIME, SALT_LENGTH, SIGNATURE_LENGTH, SIGNED_PACKET_LENGTH, TIME_LENGTH } from './constants.js';
import type { KeyPair, PublicKey } from './keys.js';

const SALT_OFFSET = SIGNATURE_LENGTH + TIME_LENGTH;

export interface SignedPacket {
  readonly signature: Buffer;
  /** Unix seconds by the signer's clock. */
  readonly time: number;
  /** The four bytes as an unsigned number. */
  readonly salt: number;
  /** time | salt, as they stand in the packet. */
  readonly signedPart: Buffer;
}

/** Undefined where the length is another one; every 73 bytes are a packet, signed by someone or by nobody. */
export function decodeSignedPacket(payload: Uint8Array): SignedPacket | undefined {
  if (payload.length !== SIGNED_PACKET_LENGTH) return undefined;
  const bytes = Buffer.from(payload.buffer, payload.byteOffset, payload.length);
  return {
    signature: bytes.subarray(0, SIGNATURE_LENGTH),
    time: bytes.readUIntBE(SIGNATURE_LENGTH, TIME_LENGTH),
    salt: bytes.readUInt32BE(SALT_OFFSET),
    signedPart: bytes.subarray(SIGNATURE_LENGTH),
  };
}

/** `time`: Unix seconds, 0 to 2^40 - 1; `salt`: 32 bits, unsigned; RangeError otherwise. */
export function signPacket(own: KeyPair, secret: Uint8Array, time: number, salt: number): Buffer {
  if (!Number.isInteger(time) || time < 0 || time > MAX_TIME) throw new RangeError(`no signed time: ${time}`);
  const signedPart = Buffer.alloc(TIME_LENGTH + SALT_LENGTH);
  signedPart.writeUIntBE(time, 0, TIME_LENGTH);
  signedPart.writeUInt32BE(salt, TIME_LENGTH);
  return Buffer.concat([sign(null, Buffer.concat([signedPart, secret]), own.privateKey), signedPart]);
}

export function verifyPacket(packet: SignedPacket, signer: PublicKey, secret: Uint8Array): boolean {
  return verify(null, Buffer.concat([packet.signedPart, secret]), signer.key, packet.signature);
}

/** Takes as long for a wrong token as for the right one. */
export function tokenMatches(payload: Uint8Array, token: Uint8Array): boolean {
  return timingSafeEqual(digest(payload), digest(token));
}

/** The answer of a server that has no key of its own. */
export const reversedAnswer = (request: Uint8Array): Buffer => Buffer.from(request).reverse();

// timingSafeEqual wants equal lengths; digests have them, and show nothing of where two inputs part.
const digest = (bytes: Uint8Array): Buffer => createHash('sha256').update(bytes).digest();
