/** ed25519 keys (RFC 8032): raw 32 bytes in base64 outside, `node:crypto` key objects inside. */
import { createPrivateKey, createPublicKey } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { KEY_LENGTH } from './constants.js';
import { failure, success } from './errors.js';
import type { Base64Fault, KeyFault, Outcome } from './errors.js';

export interface PublicKey {
  /** 32 bytes. */
  readonly raw: Buffer;
  readonly key: KeyObject;
}

export interface KeyPair {
  /** 32 bytes; secret. */
  readonly seed: Buffer;
  readonly privateKey: KeyObject;
  readonly publicKey: PublicKey;
}

// DER heads of the only form an ed25519 key has, up to its 32 bytes (RFC 8410, sections 4 and 7).
const PKCS8_HEAD = Buffer.from('302e020100300506032b657004220420', 'hex');
const SPKI_HEAD = Buffer.from('302a300506032b6570032100', 'hex');

/**
 * The y coordinates of the points of order 1, 2, 4 and 8, little-endian, in every spelling that fits 255 bits. For such a
 * key a forger finds signatures without a private key. The top bit of a key is the sign of x and tells nothing here.
 */
const SMALL_ORDER_Y = new Set([
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0100000000000000000000000000000000000000000000000000000000000000',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
]);

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/**
 * Standard alphabet, padding required, nothing else in between: what Python's `b64decode(validate=True)` takes, whose
 * unused bits in the last character may have any value.
 */
export function decodeBase64(text: string): Outcome<Buffer, Base64Fault> {
  if (text === '') return failure({ kind: 'empty' });
  if (!BASE64.test(text)) return failure({ kind: 'not-base64' });
  return success(Buffer.from(text, 'base64'));
}

/** The key pair of a seed in base64, the form in which a private key is configured. */
export function decodePrivateKey(text: string): Outcome<KeyPair, KeyFault> {
  const raw = decodeKeyBytes(text);
  return raw.ok ? success(keyPairFromSeed(raw.value)) : raw;
}

/** A peer's public key in base64; keys of small order, the all-zero one among them, are refused. */
export function decodePublicKey(text: string): Outcome<PublicKey, KeyFault> {
  const raw = decodeKeyBytes(text);
  return raw.ok ? publicKeyFromRaw(raw.value) : raw;
}

export function publicKeyFromRaw(raw: Uint8Array): Outcome<PublicKey, KeyFault> {
  if (raw.length !== KEY_LENGTH) return failure({ kind: 'length', actual: raw.length, expected: KEY_LENGTH });
  if (hasSmallOrder(raw)) return failure({ kind: 'weak' });
  return success(importPublicKey(raw));
}

/** Throws RangeError unless `seed` has 32 bytes; every such seed is a key. */
export function keyPairFromSeed(seed: Uint8Array): KeyPair {
  if (seed.length !== KEY_LENGTH) throw new RangeError(`an ed25519 seed has ${KEY_LENGTH} bytes, not ${seed.length}`);
  const privateKey = createPrivateKey({ key: Buffer.concat([PKCS8_HEAD, seed]), format: 'der', type: 'pkcs8' });
  const spki = createPublicKey(privateKey).export({ format: 'der', type: 'spki' });
  const publicKey = importPublicKey(spki.subarray(SPKI_HEAD.length));
  return { seed: Buffer.from(seed), privateKey, publicKey };
}

/** `random`: 32 bytes nobody can guess; they become the private key. */
export const generateKeyPair = (random: Uint8Array): KeyPair => keyPairFromSeed(random);

/**
 * The text `--auth-keygen` prints: the private key, then the public one, a line each. Bare lines are for scripts;
 * labels are for people.
 */
export function formatKeyPair(pair: KeyPair, labels: boolean): string {
  const line = (what: string, raw: Buffer): string =>
    `${labels ? `${what} key (ed25519, ${KEY_LENGTH} bytes, base64): ` : ''}${raw.toString('base64')}\n`;
  return line('private', pair.seed) + line('public', pair.publicKey.raw);
}

export const samePublicKey = (a: PublicKey, b: PublicKey): boolean => a.raw.equals(b.raw);

function decodeKeyBytes(text: string): Outcome<Buffer, KeyFault> {
  const decoded = decodeBase64(text);
  if (!decoded.ok) return decoded;
  const actual = decoded.value.length;
  return actual === KEY_LENGTH ? decoded : failure({ kind: 'length', actual, expected: KEY_LENGTH });
}

function importPublicKey(raw: Uint8Array): PublicKey {
  const key = createPublicKey({ key: Buffer.concat([SPKI_HEAD, raw]), format: 'der', type: 'spki' });
  return { raw: Buffer.from(raw), key };
}

function hasSmallOrder(raw: Uint8Array): boolean {
  const y = Buffer.from(raw);
  y.writeUInt8(y.readUInt8(KEY_LENGTH - 1) & 0x7f, KEY_LENGTH - 1);
  return SMALL_ORDER_Y.has(y.toString('hex'));
}
