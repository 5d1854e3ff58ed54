/** Drawing addresses, each of a pool equally likely. */
import type { AddressFamily, IpAddress } from './address.js';
import { sizeOf, valueAt } from './interval.js';
import { poolWithout, type Pool } from './pool.js';

/** So many bytes, unpredictable where it matters. */
export type RandomBytes = (length: number) => Uint8Array;

/**
 * A number from 0 to `limit - 1`, all equally likely: bits are drawn until they make a number that is small enough,
 * which takes two attempts at most on average. `limit` is 1 at least.
 */
export function drawBelow(limit: bigint, random: RandomBytes): bigint {
  const bits = (limit - 1n).toString(2).length;
  const bytes = Math.ceil(bits / 8);
  const surplus = BigInt(bytes * 8 - bits);
  for (;;) {
    const drawn = BigInt(`0x${Buffer.from(random(bytes)).toString('hex')}`) >> surplus;
    if (drawn < limit) return drawn;
  }
}

/** undefined where the pool has no address of the family. */
export function drawAddress(pool: Pool, family: AddressFamily, random: RandomBytes): IpAddress | undefined {
  const size = sizeOf(pool[family]);
  if (size === 0n) return undefined;
  const value = valueAt(pool[family], drawBelow(size, random));
  return value === undefined ? undefined : { family, value };
}

/** Another address than the one held, where there is another one. */
export function drawOther(
  pool: Pool,
  family: AddressFamily,
  held: IpAddress | undefined,
  random: RandomBytes,
): IpAddress | undefined {
  const others = held === undefined ? pool : poolWithout(pool, [held]);
  return drawAddress(others, family, random) ?? drawAddress(pool, family, random);
}
