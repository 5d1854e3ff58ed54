/**
 * Pools cut into what the kernel can draw from. It draws 32 bits at a time, so a piece is a run of addresses with
 *
 *     fixed words, then one word from `low` to `high`, then words that are free
 *
 * Any range is at most two pieces for each word behind the first and one more: 7 for IPv6, 1 for IPv4.
 */
import { WIDTH, type AddressFamily } from '../address.js';
import type { Interval, Intervals } from '../interval.js';

const WORD_BITS = 32n;
const WORD_MAX = 0xffff_ffff;
const WORD_MASK = 0xffff_ffffn;

export interface Piece {
  /** Words before the one that varies, each 32 bits. */
  readonly fixed: readonly number[];
  /** Both included. */
  readonly low: number;
  readonly high: number;
  /** How many words behind it are free. */
  readonly freeWords: number;
}

/** Together they have each address of the range once. */
export function cutRange(family: AddressFamily, { first, last }: Interval): readonly Piece[] {
  return cut([], first, last, WIDTH[family] / 32);
}

export const cutPool = (family: AddressFamily, intervals: Intervals): readonly Piece[] =>
  intervals.flatMap((interval) => cutRange(family, interval));

export const pieceSize = ({ low, high, freeWords }: Piece): bigint =>
  BigInt(high - low + 1) << (WORD_BITS * BigInt(freeWords));

/** `first` and `last` are of so many words. */
function cut(fixed: readonly number[], first: bigint, last: bigint, words: number): readonly Piece[] {
  const restBits = WORD_BITS * BigInt(words - 1);
  const restMask = (1n << restBits) - 1n;
  const [low, high] = [Number(first >> restBits), Number(last >> restBits)];
  const [firstRest, lastRest] = [first & restMask, last & restMask];
  if (firstRest === 0n && lastRest === restMask) return [{ fixed, low, high, freeWords: words - 1 }];
  if (low === high) return cut([...fixed, low], firstRest, lastRest, words - 1);
  const pieces: Piece[] = [];
  const from = firstRest === 0n ? low : low + 1;
  const to = lastRest === restMask ? high : high - 1;
  if (from > low) pieces.push(...cut([...fixed, low], firstRest, restMask, words - 1));
  if (from <= to) pieces.push({ fixed, low: from, high: to, freeWords: words - 1 });
  if (to < high) pieces.push(...cut([...fixed, high], 0n, lastRest, words - 1));
  return pieces;
}

/** A piece, and the numbers below `modulus` that stand for it. */
export interface Share {
  readonly piece: Piece;
  /** Both included. */
  readonly from: number;
  readonly to: number;
}

export interface Shares {
  readonly modulus: number;
  /** In ascending order and without gaps, from 0 to `modulus - 1`. */
  readonly shares: readonly Share[];
}

/**
 * How often each piece is to be drawn, in whole numbers: exactly by size while the addresses can be counted in 32 bits,
 * otherwise to within 2^-32. A piece too small for even that is left out: it would be drawn once in billions of draws.
 */
export function shareOut(pieces: readonly Piece[]): Shares {
  const total = pieces.reduce((sum, piece) => sum + pieceSize(piece), 0n);
  const modulus = total > WORD_MASK ? WORD_MAX : Number(total);
  const shares: Share[] = [];
  let before = 0n;
  let from = 0;
  for (const piece of pieces) {
    before += pieceSize(piece);
    const end = total > WORD_MASK ? Number((before * BigInt(modulus)) / total) : Number(before);
    if (end > from) shares.push({ piece, from, to: end - 1 });
    from = end;
  }
  return { modulus, shares };
}
