/**
 * Signed packets whose signature begins as wanted, without drawing one after the other until one does. An ed25519
 * signature (RFC 8032, section 5.1.6) is a point R and S = r + H(R, A, M)·s modulo L. R, with which it begins, does not
 * depend on the message but by the way r is chosen, so the r of one packet serves for all. That gives the key away to who
 * sees two of them, which no key of a test minds.
 */
import { createHash } from 'node:crypto';

const L = 2n ** 252n + 27742317777372353535851937790883648493n;
const SIGNATURE = 64;

const sha512 = (...parts: readonly Uint8Array[]): Buffer =>
  parts.reduce((hash, part) => hash.update(part), createHash('sha512')).digest();
const littleEndian = (bytes: Uint8Array): bigint => BigInt(`0x${Buffer.from(bytes).reverse().toString('hex')}`);

/** The scalar s of a private key, given as its seed. */
function scalarOf(seed: Uint8Array): bigint {
  const half = sha512(seed).subarray(0, 32);
  half[0]! &= 248;
  half[31] = (half[31]! & 127) | 64;
  return littleEndian(half);
}

/** `model`: a packet by the same key over the same secret. Gives `packet` a valid signature with the first half of its. */
export function signLike(
  model: Uint8Array,
  packet: Uint8Array,
  { seed, publicKey, secret }: { seed: Uint8Array; publicKey: Uint8Array; secret: Uint8Array },
): Buffer {
  const s = scalarOf(seed);
  const R = model.subarray(0, 32);
  const h = (of: Uint8Array): bigint => littleEndian(sha512(R, publicKey, of.subarray(SIGNATURE), secret));
  const r = littleEndian(model.subarray(32, SIGNATURE)) - h(model) * s;
  const S = (((r + h(packet) * s) % L) + L) % L;
  const end = Buffer.from(S.toString(16).padStart(64, '0'), 'hex').reverse();
  return Buffer.concat([R, end, packet.subarray(SIGNATURE)]);
}
