import assert from 'node:assert/strict';
import fc from 'fast-check';
import { contains, intersect, sizeOf, subtract, union, valueAt, type Interval } from '../../src/egress/interval.js';

const SPACE = 64;
const ranges = fc.array(
  fc.tuple(fc.nat(SPACE - 1), fc.nat(SPACE - 1)).map(([a, b]): Interval => ({
    first: BigInt(Math.min(a, b)),
    last: BigInt(Math.max(a, b)),
  })),
  { maxLength: 8 },
);
const members = (intervals: readonly Interval[]): Set<bigint> => {
  const all = new Set<bigint>();
  for (const { first, last } of intervals) for (let value = first; value <= last; value += 1n) all.add(value);
  return all;
};

describe('sets of addresses', () => {
  it('have what their ranges have, in order and with gaps between', () => {
    fc.assert(
      fc.property(ranges, (list) => {
        const made = union(list);
        assert.deepEqual(members(made), new Set([...members(list)].sort((a, b) => Number(a - b))));
        for (const [index, { first }] of made.entries()) {
          if (index > 0) assert.ok(first > made[index - 1]!.last + 1n);
        }
        assert.equal(sizeOf(made), BigInt(members(list).size));
      }),
    );
  });

  it('are subtracted and intersected member by member', () => {
    fc.assert(
      fc.property(ranges, ranges, (left, right) => {
        const [a, b] = [union(left), union(right)];
        const inB = members(b);
        assert.deepEqual(members(subtract(a, b)), new Set([...members(a)].filter((value) => !inB.has(value))));
        assert.deepEqual(members(intersect(a, b)), new Set([...members(a)].filter((value) => inB.has(value))));
      }),
    );
  });

  it('know their members, and each by its place', () => {
    fc.assert(
      fc.property(ranges, (list) => {
        const made = union(list);
        const all = [...members(made)];
        for (let value = 0n; value < BigInt(SPACE); value += 1n) {
          assert.equal(contains(made, value), all.includes(value));
        }
        assert.deepEqual(
          all.map((_, index) => valueAt(made, BigInt(index))),
          all,
        );
        assert.equal(valueAt(made, BigInt(all.length)), undefined);
      }),
    );
  });
});
