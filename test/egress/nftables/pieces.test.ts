import assert from 'node:assert/strict';
import fc from 'fast-check';
import { WIDTH, type AddressFamily } from '../../../src/egress/address.js';
import { cutPool, cutRange, pieceSize, shareOut, type Piece } from '../../../src/egress/nftables/pieces.js';
import { sizeOf, union } from '../../../src/egress/interval.js';
import { pool } from '../make.js';

/** The range that a piece is. */
function rangeOf(family: AddressFamily, { fixed, low, high, freeWords }: Piece): { first: bigint; last: bigint } {
  const head = fixed.reduce((sum, word) => (sum << 32n) | BigInt(word), 0n) << 32n;
  const free = 32n * BigInt(freeWords);
  assert.equal(fixed.length + 1 + freeWords, WIDTH[family] / 32);
  return { first: (head | BigInt(low)) << free, last: ((head | BigInt(high)) << free) | ((1n << free) - 1n) };
}

const range = fc
  .constantFrom('ip' as const, 'ip6' as const)
  .chain((family) => {
    const value = fc.oneof(
      fc.bigInt(0n, (1n << BigInt(WIDTH[family])) - 1n),
      // Ends that lie on the borders of words, or beside them.
      fc
        .tuple(fc.nat(3), fc.nat(2))
        .map(([word, off]) => (1n << BigInt((word * 32) % WIDTH[family])) - BigInt(off) + 1n),
    );
    return fc.tuple(fc.constant(family), value, value);
  })
  .map(([family, a, b]) => ({ family, first: a < b ? a : b, last: a < b ? b : a }));

describe('a range cut into pieces', () => {
  it('has each of its addresses once, in seven pieces at most', () => {
    fc.assert(
      fc.property(range, ({ family, first, last }) => {
        const pieces = cutRange(family, { first, last });
        assert.ok(pieces.length <= (family === 'ip' ? 1 : 7));
        const ranges = pieces.map((piece) => rangeOf(family, piece));
        assert.deepEqual(union(ranges), [{ first, last }]);
        assert.equal(sizeOf(ranges), last - first + 1n);
        pieces.forEach((piece, index) => {
          assert.equal(pieceSize(piece), ranges[index]!.last - ranges[index]!.first + 1n);
        });
      }),
    );
  });

  it('is one piece where it is a prefix, of whatever length', () => {
    for (const length of [0, 1, 29, 31, 32, 33, 48, 56, 64, 96, 120, 127, 128]) {
      const last = (1n << BigInt(128 - length)) - 1n;
      assert.equal(cutRange('ip6', { first: 0n, last }).length, 1, `/${length}`);
    }
  });
});

describe('the shares of pieces', () => {
  it('follow each other without gap, and are exactly their sizes while these can be counted in 32 bits', () => {
    const { ip } = pool('192.0.2.0/24 198.51.100.7 203.0.113.4-203.0.113.9');
    const { modulus, shares } = shareOut(cutPool('ip', ip));
    assert.equal(modulus, 254 + 1 + 6);
    assert.deepEqual(
      shares.map(({ from, to }) => [from, to]),
      [
        [0, 253],
        [254, 254],
        [255, 260],
      ],
    );
  });

  it('of huge pools are as their sizes to within 2^-32', () => {
    fc.assert(
      fc.property(fc.array(range, { minLength: 1, maxLength: 6 }), (ranges) => {
        const pieces = cutPool('ip6', union(ranges.filter(({ family }) => family === 'ip6')));
        fc.pre(pieces.length > 0);
        const total = pieces.reduce((sum, piece) => sum + pieceSize(piece), 0n);
        const { modulus, shares } = shareOut(pieces);
        let next = 0;
        for (const { piece, from, to } of shares) {
          assert.equal(from, next);
          next = to + 1;
          const wanted = Number((pieceSize(piece) * 2n ** 64n) / total) / 2 ** 64;
          assert.ok(Math.abs((to - from + 1) / modulus - wanted) <= 2 ** -31);
        }
        assert.equal(next, modulus);
      }),
    );
  });
});
