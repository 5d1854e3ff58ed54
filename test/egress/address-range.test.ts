import assert from 'node:assert/strict';
import fc from 'fast-check';
import { addressBytes, addressOf, formatAddress, parseAddress, WIDTH } from '../../src/egress/address.js';
import { formatRange, parsePrefix, parseRange, wholeRange } from '../../src/egress/address-range.js';

const anyAddress = fc
  .constantFrom('ip' as const, 'ip6' as const)
  .chain((family) => fc.bigInt(0n, (1n << BigInt(WIDTH[family])) - 1n).map((value) => ({ family, value })));

describe('addresses', () => {
  it('come back from their text and from their bytes', () => {
    fc.assert(
      fc.property(anyAddress, (one) => {
        assert.deepEqual(parseAddress(formatAddress(one)), one);
        assert.deepEqual(addressOf(addressBytes(one)), one);
      }),
    );
  });
});

describe('ranges of addresses', () => {
  it('are read from any text, or refused in words', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[0-9a-f:.\-/]{0,50}$/)), (text) => {
        const parsed = parseRange(text);
        if (parsed.ok) assert.ok(parsed.value.first <= parsed.value.last);
        else assert.match(parsed.problem, /\S/);
      }),
    );
  });

  it('come back from their text', () => {
    fc.assert(
      fc.property(anyAddress, anyAddress, (a, b) => {
        fc.pre(a.family === b.family);
        const [first, last] = a.value < b.value ? [a.value, b.value] : [b.value, a.value];
        const parsed = parseRange(formatRange({ family: a.family, first, last }));
        assert.ok(parsed.ok);
        assert.deepEqual([parsed.value.first, parsed.value.last], [first, last]);
      }),
    );
  });

  it('of every length are read and shown as prefixes', () => {
    for (const family of ['ip', 'ip6'] as const) {
      for (let length = 0; length <= WIDTH[family]; length += 1) {
        const zero = formatAddress({ family, value: 0n });
        const parsed = parsePrefix(`${zero}/${length}`);
        assert.ok(parsed.ok);
        assert.equal(parsed.value.last - parsed.value.first + 1n, 1n << BigInt(WIDTH[family] - length));
        assert.equal(formatRange(parsed.value), length === WIDTH[family] ? zero : `${zero}/${length}`);
      }
      assert.ok(wholeRange(family).last > 0n);
    }
  });

  for (const [text, problem] of [
    ['', 'is not an IP address'],
    ['192.0.2.1/33', 'has a wrong prefix length'],
    ['192.0.2.0/', 'has a wrong prefix length'],
    ['2001:db8::/129', 'has a wrong prefix length'],
    ['192.0.2.1/24', 'has bits set behind its prefix (192.0.2.0/24 is meant?)'],
    ['2001:db8::1/64', 'has bits set behind its prefix (2001:db8::/64 is meant?)'],
    ['fe80::1%eth0', 'is not an IP address'],
    ['192.0.2.9-192.0.2.1', 'ends before it begins'],
    ['192.0.2.1-2001:db8::1', 'begins in one IP version and ends in the other'],
    ['192.0.2.1-', 'is not a range of IP addresses'],
  ] as const) {
    it(`'${text}' ${problem}`, () => {
      assert.deepEqual(parseRange(text), { ok: false, problem });
    });
  }
});
