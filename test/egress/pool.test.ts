import assert from 'node:assert/strict';
import { formatPool, makePool, poolFamilies, poolHas, poolSize, poolWithout } from '../../src/egress/pool.js';
import { parseRange, type AddressRange } from '../../src/egress/address-range.js';
import { address, pool } from './make.js';

const range = (text: string): AddressRange => {
  const parsed = parseRange(text);
  return parsed.ok ? parsed.value : assert.fail(parsed.problem);
};

describe('a pool', () => {
  for (const [addresses, size] of [
    ['192.0.2.7', 1n],
    ['192.0.2.0/31', 2n],
    ['192.0.2.7/32', 1n],
    ['192.0.2.0/30', 2n],
    ['192.0.2.0/24', 254n],
    ['2001:db8::/127', 2n],
    ['2001:db8::/128', 1n],
    ['2001:db8::/48', 1n << 80n],
    ['192.0.2.0-192.0.2.255', 256n],
  ] as const) {
    it(`of ${addresses} has ${size} addresses`, () => {
      assert.equal(poolSize(pool(addresses)), size);
    });
  }

  it('of everything leaves out what is no host’s address, and says so', () => {
    const made = makePool({ addresses: [range('0.0.0.0/0'), range('::/0')] });
    assert.ok(made.ok);
    for (const text of ['0.0.0.0', '127.0.0.1', '224.0.0.1', '255.255.255.255', '::', '::1', 'ff02::1']) {
      assert.ok(!poolHas(made.value.pool, address(text)), text);
    }
    assert.ok(poolHas(made.value.pool, address('8.8.8.8')));
    assert.ok(poolHas(made.value.pool, address('2001:db8::1')));
    assert.deepEqual(poolFamilies(made.value.pool), ['ip', 'ip6']);
    assert.equal(made.value.leftOut.length, 7);
  });

  it('counts an address once, whatever overlaps', () => {
    assert.equal(poolSize(pool('192.0.2.0-192.0.2.9 192.0.2.5-192.0.2.14 192.0.2.7')), 15n);
  });

  it('keeps the edges of an IPv4 prefix only where told to', () => {
    assert.equal(formatPool(pool('192.0.2.0/24')), '192.0.2.1-192.0.2.254');
    assert.equal(formatPool(pool('192.0.2.0/24', '', true)), '192.0.2.0/24');
    assert.equal(formatPool(pool('2001:db8::/64')), '2001:db8::/64');
  });

  it('has nothing of what is excluded', () => {
    assert.equal(
      formatPool(pool('192.0.2.0-192.0.2.7', '192.0.2.2/31 192.0.2.7')),
      '192.0.2.0/31, 192.0.2.4-192.0.2.6',
    );
  });

  it('is refused where nothing is left of it', () => {
    const made = makePool({ addresses: [range('192.0.2.0/24')], exclude: [range('192.0.0.0/16')] });
    assert.deepEqual(made, { ok: false, problem: 'has no address left: all of them are excluded' });
    assert.deepEqual(makePool({ addresses: [] }), { ok: false, problem: 'has no address' });
    assert.ok(!makePool({ addresses: [range('127.0.0.1')] }).ok);
  });

  it('may end up empty without what is banned', () => {
    const one = pool('192.0.2.7');
    assert.equal(poolSize(poolWithout(one, [address('192.0.2.7')])), 0n);
    assert.equal(poolSize(poolWithout(one, [address('2001:db8::7')])), 1n);
  });
});
