import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { SetFacts } from '../../../src/doctor/firewall/facts.js';
import { known, unknown, type MaybeByte } from '../../../src/doctor/firewall/packet.js';
import { lookUp } from '../../../src/doctor/firewall/set-lookup.js';
import { NFT_SET_INTERVAL, type Element } from '../../../src/netlink/nftables/index.js';

const element = (key: readonly number[], more: Partial<Element> = {}): Element => ({
  key: Buffer.from(key),
  data: undefined,
  timeoutMs: undefined,
  expirationMs: undefined,
  comment: undefined,
  ...more,
});

const facts = (flags: number, elements: readonly Element[] | undefined): SetFacts => ({
  set: {
    family: 'ip',
    table: 't',
    name: 's',
    handle: 1n,
    flags,
    key: undefined,
    keyLength: 1,
    data: undefined,
    intervals: (flags & NFT_SET_INTERVAL) !== 0,
    timeouts: false,
    defaultTimeoutMs: undefined,
    dynamic: false,
    size: undefined,
    comment: undefined,
  },
  elements,
});
const found = (of: SetFacts | undefined, key: readonly MaybeByte[]): string => lookUp(of, key).found;
const WHATEVER = unknown(1, 'the source address');

describe('a key in a set', () => {
  it('is there or not, where the key is known', () => {
    const set = facts(0, [element([3]), element([5])]);
    assert.deepEqual(
      [3, 4, 5].map((key) => found(set, known([key]))),
      ['yes', 'no', 'yes'],
    );
  });

  it('may be there where the key is not known, and is not in an empty set', () => {
    assert.equal(found(facts(0, [element([3])]), WHATEVER), 'maybe');
    assert.equal(found(facts(0, []), WHATEVER), 'no');
    assert.equal(found(facts(NFT_SET_INTERVAL, [element([0], { isIntervalEnd: true })]), WHATEVER), 'no');
  });

  it('may be there where the elements are not known, or the set is not', () => {
    assert.equal(found(facts(0, undefined), known([1])), 'maybe');
    assert.equal(found(undefined, known([1])), 'maybe');
  });

  it('has the value of the element for all others, unless it has one of its own', () => {
    const rest = element([], { isCatchAll: true, data: { kind: 'drop' } });
    const map = facts(0, [element([3], { data: { kind: 'accept' } }), rest]);
    assert.deepEqual(lookUp(map, known([3])), { found: 'yes', values: [{ kind: 'accept' }] });
    assert.deepEqual(lookUp(map, known([4])), { found: 'yes', values: [{ kind: 'drop' }] });
    assert.equal(lookUp(map, WHATEVER).values.length, 2);
  });

  it('is inside an interval as plain arithmetic says, in whatever order the ends are listed', () => {
    const bounds = fc.uniqueArray(fc.integer({ min: 0, max: 255 }), { minLength: 2, maxLength: 12 });
    fc.assert(
      fc.property(bounds, fc.integer({ min: 0, max: 255 }), fc.boolean(), (ends, key, reversed) => {
        const sorted = [...ends].sort((a, b) => a - b);
        if (sorted.length % 2 === 1) sorted.pop();
        const intervals = sorted.flatMap((from, index) =>
          index % 2 === 0 ? [[from, sorted[index + 1]!] as const] : [],
        );
        const elements = intervals.flatMap(([from, end]) => [element([from]), element([end], { isIntervalEnd: true })]);
        const set = facts(NFT_SET_INTERVAL, reversed ? elements.reverse() : elements);
        const inside = intervals.some(([from, end]) => key >= from && key < end);
        assert.equal(found(set, known([key])), inside ? 'yes' : 'no');
      }),
    );
  });

  it('is inside where one interval begins as another one ends', () => {
    const set = facts(NFT_SET_INTERVAL, [
      element([7], { isIntervalEnd: true }),
      element([7]),
      element([5]),
      element([9], { isIntervalEnd: true }),
    ]);
    assert.deepEqual(
      [4, 5, 7, 8, 9].map((key) => found(set, known([key]))),
      ['no', 'yes', 'yes', 'yes', 'no'],
    );
  });

  it('is left open in ranges of several fields', () => {
    const set = facts(NFT_SET_INTERVAL, [element([3], { keyEnd: Buffer.of(9) })]);
    assert.equal(found(set, known([4])), 'maybe');
  });
});
