import assert from 'node:assert/strict';
import fc from 'fast-check';
import { drawAddress, drawBelow, drawOther } from '../../src/egress/draw.js';
import { poolHas } from '../../src/egress/pool.js';
import { chiSquared, chiSquaredLimit, countBins } from './chi-squared.js';
import { address, pool, seededRandom } from './make.js';

const DRAWS = 20_000;

describe('drawing', () => {
  it('gives numbers below the limit, whatever it is and whatever the bytes', () => {
    fc.assert(
      fc.property(fc.bigInt(1n, 1n << 128n), fc.nat(), (limit, seed) => {
        const drawn = drawBelow(limit, seededRandom(seed));
        assert.ok(drawn >= 0n && drawn < limit);
      }),
    );
  });

  it('of an IPv4 /24 is uniform over its addresses', () => {
    const random = seededRandom(1);
    const all = pool('198.51.100.0/24');
    const low = Array.from({ length: DRAWS }, () => Number(drawAddress(all, 'ip', random)!.value & 0xffn) - 1);
    assert.ok(chiSquared(countBins(low, 254)) < chiSquaredLimit(253));
  });

  it('of an IPv6 /64 is uniform in the low and in the high host bits', () => {
    const random = seededRandom(2);
    const all = pool('2001:db8::/64');
    const drawn = Array.from({ length: DRAWS }, () => drawAddress(all, 'ip6', random)!.value);
    for (const shift of [0n, 24n, 32n, 56n]) {
      const bins = drawn.map((value) => Number((value >> shift) & 0xffn));
      assert.ok(chiSquared(countBins(bins, 256)) < chiSquaredLimit(255), `bits from ${shift}`);
    }
  });

  it('is uniform over addresses, not over the parts of a pool', () => {
    const random = seededRandom(3);
    const parts = pool('192.0.2.1 198.51.100.0-198.51.100.8 203.0.113.4-203.0.113.9', '198.51.100.3');
    const names = new Map<bigint, number>();
    const drawn = Array.from({ length: DRAWS }, () => {
      const { value } = drawAddress(parts, 'ip', random)!;
      if (!names.has(value)) names.set(value, names.size);
      return names.get(value)!;
    });
    assert.equal(names.size, 15);
    assert.ok(chiSquared(countBins(drawn, 15)) < chiSquaredLimit(14));
  });

  it('the chi-squared test itself rejects what is not uniform', () => {
    const drawn = Array.from({ length: DRAWS }, (_, index) => (index % 10 === 0 ? 0 : index % 254));
    assert.ok(chiSquared(countBins(drawn, 254)) > chiSquaredLimit(253));
  });

  it('never gives an address that is not of the pool', () => {
    fc.assert(
      fc.property(fc.nat(), fc.constantFrom('ip' as const, 'ip6' as const), (seed, family) => {
        const one = pool('192.0.2.0/29 2001:db8::/125', '192.0.2.3 2001:db8::2-2001:db8::4');
        assert.ok(poolHas(one, drawAddress(one, family, seededRandom(seed))!));
      }),
    );
  });

  it('gives another address than the one held, while there is one', () => {
    const two = pool('192.0.2.0/31');
    for (let seed = 0; seed < 50; seed += 1) {
      assert.deepEqual(drawOther(two, 'ip', address('192.0.2.0'), seededRandom(seed)), address('192.0.2.1'));
    }
    assert.deepEqual(drawOther(pool('192.0.2.1'), 'ip', address('192.0.2.1'), seededRandom(1)), address('192.0.2.1'));
    assert.equal(drawAddress(two, 'ip6', seededRandom(1)), undefined);
  });
});
