/** What every decoder of outside bytes must hold: any bytes, and any damage to good ones, give a value or a fault. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { Decoded } from '../../../src/netlink/nftables/decoded.js';

export function assertTotal(decode: (bytes: Buffer) => Decoded<unknown>, good: Buffer): void {
  const check = (bytes: Buffer): boolean => {
    const result = decode(bytes);
    return result.ok || result.fault.length > 0;
  };
  assert.equal(decode(good).ok, true, 'the undamaged bytes decode');
  for (let length = 0; length < good.length; length++) assert.ok(check(Buffer.from(good.subarray(0, length))));
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => check(Buffer.from(bytes))));
  fc.assert(
    fc.property(fc.nat(good.length - 1), fc.nat(255), (at, value) => {
      const damaged = Buffer.from(good);
      damaged[at] = value;
      return check(damaged);
    }),
    { numRuns: 300 },
  );
}

/** The value of a result that must be one. */
export function valueOf<T>(result: Decoded<T>): T {
  assert.ok(result.ok, result.ok ? '' : result.fault);
  return result.value;
}
