import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import nacl from 'tweetnacl';
import { decodeSignedPacket, reversedAnswer, signPacket, tokenMatches, verifyPacket } from '../../src/auth/classic.js';
import { MAX_TIME } from '../../src/auth/constants.js';
import { decodePrivateKey, decodePublicKey, keyPairFromSeed } from '../../src/auth/keys.js';

interface Vector {
  readonly name: string;
  readonly privateKey: string;
  readonly publicKey: string;
  readonly secretUtf8: string;
  readonly time: number;
  readonly saltHex: string;
  readonly payloadHex: string;
  readonly valid: boolean;
}

const file = new URL('../vectors/classic-auth-vectors.json', import.meta.url);
const { vectors } = JSON.parse(readFileSync(file, 'utf8')) as { vectors: readonly Vector[] };

const salts = fc.integer({ min: 0, max: 0xffff_ffff });
const times = fc.integer({ min: 0, max: MAX_TIME });

describe('auth/classic', () => {
  describe('packets signed by libsodium', () => {
    for (const vector of vectors) {
      const payload = Buffer.from(vector.payloadHex, 'hex');
      const taken = vector.valid && payload.length === 73;

      it(`${vector.name}: ${taken ? 'is taken' : 'is refused'}`, () => {
        const key = decodePublicKey(vector.publicKey);
        assert(key.ok);
        const packet = decodeSignedPacket(payload);
        const verified = packet !== undefined && verifyPacket(packet, key.value, Buffer.from(vector.secretUtf8));
        assert.equal(verified, taken);
      });

      if (!taken) continue;
      it(`${vector.name}: our own signing makes the same bytes`, () => {
        const own = decodePrivateKey(vector.privateKey);
        assert(own.ok);
        const salt = Number.parseInt(vector.saltHex, 16);
        const made = signPacket(own.value, Buffer.from(vector.secretUtf8), vector.time, salt);
        assert.equal(made.toString('hex'), vector.payloadHex);
        assert.equal(decodeSignedPacket(made)?.time, vector.time);
        assert.equal(decodeSignedPacket(made)?.salt, salt);
      });
    }
  });

  it('signs time, salt and secret, as an independent implementation reads it', () => {
    fc.assert(
      fc.property(times, salts, fc.uint8Array({ maxLength: 40 }), (time, salt, secret) => {
        const own = keyPairFromSeed(Buffer.alloc(32, 7));
        const payload = signPacket(own, secret, time, salt);
        const message = Buffer.concat([payload.subarray(64), secret]);
        assert(nacl.sign.detached.verify(message, payload.subarray(0, 64), own.publicKey.raw));
      }),
      { numRuns: 15 },
    );
  });

  it('reads back what it signed', () => {
    const own = keyPairFromSeed(Buffer.alloc(32, 9));
    fc.assert(
      fc.property(times, salts, (time, salt) => {
        const packet = decodeSignedPacket(signPacket(own, Buffer.alloc(0), time, salt));
        assert.deepEqual([packet?.time, packet?.salt], [time, salt]);
      }),
      { numRuns: 50 },
    );
  });

  it('takes exactly 73 bytes and never throws', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (payload) => {
        assert.equal(decodeSignedPacket(payload) === undefined, payload.length !== 73);
      }),
    );
    for (let length = 0; length <= 150; length += 1) {
      assert.equal(decodeSignedPacket(Buffer.alloc(length)) === undefined, length !== 73);
    }
  });

  it('refuses any 73 bytes that nobody signed', () => {
    const { publicKey } = keyPairFromSeed(Buffer.alloc(32, 3));
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 73, maxLength: 73 }), (payload) => {
        assert.equal(verifyPacket(decodeSignedPacket(payload)!, publicKey, Buffer.from('s')), false);
      }),
    );
  });

  it('refuses a packet with any one bit changed', () => {
    const own = keyPairFromSeed(Buffer.alloc(32, 5));
    const payload = signPacket(own, Buffer.from('s'), 1_800_000_000, 77);
    for (let bit = 0; bit < 73 * 8; bit += 1) {
      const changed = Buffer.from(payload);
      changed[bit >> 3]! ^= 1 << (bit & 7);
      assert.equal(verifyPacket(decodeSignedPacket(changed)!, own.publicKey, Buffer.from('s')), false, `bit ${bit}`);
    }
  });

  it('reads packets that lie in the middle of a larger buffer', () => {
    const own = keyPairFromSeed(Buffer.alloc(32, 5));
    const payload = signPacket(own, Buffer.from('s'), 5, 6);
    const around = new Uint8Array(100);
    around.set(payload, 13);
    const packet = decodeSignedPacket(around.subarray(13, 86));
    assert.deepEqual([packet?.time, packet?.salt], [5, 6]);
    assert(verifyPacket(packet!, own.publicKey, Buffer.from('s')));
  });

  it('refuses to sign a time that five bytes cannot hold', () => {
    const own = keyPairFromSeed(Buffer.alloc(32, 5));
    for (const time of [-1, 0.5, NaN, MAX_TIME + 1]) {
      assert.throws(() => signPacket(own, Buffer.alloc(0), time, 0), RangeError);
    }
  });

  it('takes the token and nothing else', () => {
    const token = Buffer.from('correct horse');
    assert.equal(tokenMatches(Buffer.from('correct horse'), token), true);
    for (const other of ['', 'correct hors', 'correct horsf', 'correct horse ', 'Correct horse']) {
      assert.equal(tokenMatches(Buffer.from(other), token), false, other);
    }
  });

  it('answers with the request reversed, and leaves the request as it was', () => {
    const request = Buffer.from([1, 2, 3]);
    assert.deepEqual(reversedAnswer(request), Buffer.from([3, 2, 1]));
    assert.deepEqual(request, Buffer.from([1, 2, 3]));
  });
});
