import assert from 'node:assert/strict';
import { createPublicKey, verify } from 'node:crypto';
import fc from 'fast-check';
import nacl from 'tweetnacl';
import { describeKeyFault } from '../../src/auth/errors.js';
import {
  decodeBase64,
  decodePrivateKey,
  decodePublicKey,
  formatKeyPair,
  generateKeyPair,
  keyPairFromSeed,
  publicKeyFromRaw,
} from '../../src/auth/keys.js';

// RFC 8032, section 7.1, test 1.
const SEED = Buffer.from('9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60', 'hex');
const PUBLIC = Buffer.from('d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a', 'hex');

const bytes = (length: number): fc.Arbitrary<Uint8Array> => fc.uint8Array({ minLength: length, maxLength: length });

describe('auth/keys', () => {
  it('derives the public key that RFC 8032 gives', () => {
    assert.deepEqual(keyPairFromSeed(SEED).publicKey.raw, PUBLIC);
  });

  it('derives the same public key as an independent implementation', () => {
    fc.assert(
      fc.property(bytes(32), (seed) => {
        const expected = nacl.sign.keyPair.fromSeed(seed).publicKey;
        assert.deepEqual(keyPairFromSeed(seed).publicKey.raw, Buffer.from(expected));
      }),
      { numRuns: 10 },
    );
  });

  it('refuses a seed of another length', () => {
    for (const length of [0, 31, 33, 64]) assert.throws(() => keyPairFromSeed(Buffer.alloc(length)), RangeError);
  });

  describe('decodeBase64', () => {
    it('takes back whatever bytes were written', () => {
      fc.assert(
        fc.property(fc.uint8Array({ minLength: 1, maxLength: 100 }), (raw) => {
          assert.deepEqual(decodeBase64(Buffer.from(raw).toString('base64')), { ok: true, value: Buffer.from(raw) });
        }),
      );
    });

    it('gives a value or a fault for any text', () => {
      fc.assert(
        fc.property(fc.string({ unit: 'binary' }), (text) => {
          const decoded = decodeBase64(text);
          if (decoded.ok) assert.match(text, /^[A-Za-z0-9+/]+={0,2}$/);
          else assert.equal(decoded.fault.kind, text === '' ? 'empty' : 'not-base64');
        }),
      );
    });

    for (const text of ['QQ', 'QQ=', 'Q===', 'QQ==\n', ' QQ==', 'QQ==QQ==', 'QQ-_', 'Q', '====', 'QUI', 'QUJDRA']) {
      it(`refuses ${JSON.stringify(text)}`, () => {
        assert.deepEqual(decodeBase64(text), { ok: false, fault: { kind: 'not-base64' } });
      });
    }

    it('takes a last character with unused bits set, as the Python tool does', () => {
      assert.deepEqual(decodeBase64('QR=='), { ok: true, value: Buffer.from('A') });
    });
  });

  describe('configured keys', () => {
    it('reads a private key', () => {
      const pair = decodePrivateKey(SEED.toString('base64'));
      assert(pair.ok);
      assert.deepEqual(pair.value.seed, SEED);
      assert.deepEqual(pair.value.publicKey.raw, PUBLIC);
    });

    it('reads a public key that verifies what its private key signed', () => {
      const key = decodePublicKey(PUBLIC.toString('base64'));
      assert(key.ok);
      const signature = nacl.sign.detached(Buffer.from('x'), nacl.sign.keyPair.fromSeed(SEED).secretKey);
      assert.equal(verify(null, Buffer.from('x'), key.value.key, signature), true);
    });

    for (const decode of [decodePrivateKey, decodePublicKey]) {
      it(`${decode.name} names what is wrong`, () => {
        assert.deepEqual(decode(''), { ok: false, fault: { kind: 'empty' } });
        assert.deepEqual(decode('not base64'), { ok: false, fault: { kind: 'not-base64' } });
        const short = decode(Buffer.alloc(31, 1).toString('base64'));
        assert.deepEqual(short, { ok: false, fault: { kind: 'length', actual: 31, expected: 32 } });
        assert(!short.ok);
        assert.equal(describeKeyFault(short.fault), 'holds 31 bytes, not 32');
      });
    }
  });

  describe('weak public keys', () => {
    const p = 2n ** 255n - 19n;
    const y8 = 0x7a03ac9277fdc74ec6cc392cfa53202a0f67100d760b3cba4fd84d3d706a17c7n;
    const weak = [0n, 1n, p - 1n, p, p + 1n, y8, p - y8];

    it('has the points of order 8 right: doubled they have y = 0', () => {
      // From the curve, -x^2 + y^2 = 1 + d x^2 y^2, and x^2 = -y^2, which makes the doubled point's y vanish.
      const [numerator, denominator] = [-121665n, 121666n];
      assert.equal((numerator * y8 ** 4n + denominator * (2n * y8 ** 2n - 1n)) % p, 0n);
    });

    const littleEndian = (value: bigint): Buffer => Buffer.from(value.toString(16).padStart(64, '0'), 'hex').reverse();

    for (const y of weak) {
      for (const sign of [0n, 2n ** 255n]) {
        const raw = littleEndian(y + sign);
        it(`refuses ${raw.toString('hex')}`, () => {
          assert.deepEqual(publicKeyFromRaw(raw), { ok: false, fault: { kind: 'weak' } });
        });
      }
    }

    it('would let a signature by nobody pass, which is why they are refused', () => {
      const spki = Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), littleEndian(1n)]);
      const key = createPublicKey({ key: spki, format: 'der', type: 'spki' });
      const forged = Buffer.concat([littleEndian(1n), Buffer.alloc(32)]);
      assert.equal(verify(null, Buffer.from('anything'), key, forged), true);
    });

    it('are never what a private key gives', () => {
      fc.assert(
        fc.property(bytes(32), (seed) => publicKeyFromRaw(keyPairFromSeed(seed).publicKey.raw).ok),
        { numRuns: 200 },
      );
    });
  });

  it('prints a generated pair, private key first, so that both lines can be configured', () => {
    const text = formatKeyPair(generateKeyPair(SEED), false);
    assert.equal(text, `${SEED.toString('base64')}\n${PUBLIC.toString('base64')}\n`);
  });

  it('labels the lines on request', () => {
    const [first, second] = formatKeyPair(generateKeyPair(SEED), true).split('\n');
    assert.equal(first, `private key (ed25519, 32 bytes, base64): ${SEED.toString('base64')}`);
    assert.equal(second, `public key (ed25519, 32 bytes, base64): ${PUBLIC.toString('base64')}`);
  });
});
