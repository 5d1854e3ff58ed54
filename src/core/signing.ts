import { signPacket } from '../auth/classic.js';
import type { KeyPair } from '../auth/keys.js';
import { mistakable } from './classifier.js';

/** Random bytes that one step of a state machine may use. */
export const RANDOM_BYTES = 8;

export interface FreshPacket {
  readonly payload: Buffer;
  readonly salt: number;
}

/**
 * A signed packet whose salt is none of `used` and which no one takes for an inner packet. The salt begins at a random
 * place (the first 4 bytes of `random`) and is counted on from there: it has to differ, not to be secret.
 */
export function signFresh(
  own: KeyPair,
  secret: Uint8Array,
  time: number,
  random: Uint8Array,
  used: readonly number[],
): FreshPacket {
  let salt = randomWord(random, 0);
  for (;;) {
    // Counting on changes the last byte: the salts that make a bad ending are passed over before any is signed.
    if (!used.includes(salt) && !mistakable(Buffer.of(salt & 0xff))) {
      const payload = signPacket(own, secret, time, salt);
      if (!mistakable(payload)) return { payload, salt };
    }
    salt = (salt + 1) >>> 0;
  }
}

/** Throws RangeError where a caller gave too few bytes. */
export const randomWord = (random: Uint8Array, offset: number): number =>
  Buffer.from(random.buffer, random.byteOffset, random.length).readUInt32BE(offset);
