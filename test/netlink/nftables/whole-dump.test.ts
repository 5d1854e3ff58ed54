import assert from 'node:assert/strict';
import type { Element } from '../../../src/netlink/nftables/element.js';
import { wholeDump } from '../../../src/netlink/nftables/whole-dump.js';

const element = (...key: number[]): Element => ({
  key: Buffer.from(key),
  data: undefined,
  timeoutMs: undefined,
  expirationMs: undefined,
  comment: undefined,
});

/** Answers with one listing after the other, the last one again and again. */
function dumping(...listings: Element[][]): { dump: () => Promise<Element[]>; count: () => number } {
  let count = 0;
  return {
    dump: () => Promise.resolve(listings[Math.min(count++, listings.length - 1)]!),
    count: () => count,
  };
}

describe('a dump of elements', () => {
  const whole = [element(0xc3, 1), element(0xc3, 2)];
  const torn = [element(0xc3, 1), element(0xc3, 1)];

  it('in which none comes twice is taken at once', async () => {
    const { dump, count } = dumping(whole, torn);
    assert.deepEqual(await wholeDump(dump, 'x'), whole);
    assert.equal(count(), 1);
  });

  it('in which one interval begins where another one ends is whole', async () => {
    const intervals = [element(1), { ...element(5), isIntervalEnd: true } as const, element(5)];
    assert.deepEqual(await wholeDump(dumping(intervals, torn).dump, 'x'), intervals);
  });

  it('in which one comes twice is made again', async () => {
    const { dump, count } = dumping(torn, torn, whole);
    assert.deepEqual(await wholeDump(dump, 'x'), whole);
    assert.equal(count(), 3);
  });

  it('that never gets whole fails by name instead of going on for ever', async () => {
    const { dump, count } = dumping(torn);
    await assert.rejects(wholeDump(dump, 'elements of set ip t s'), {
      code: 'NETLINK_DUMP_INTERRUPTED',
      message: 'cannot list elements of set ip t s: the kernel keeps reordering them',
    });
    assert.equal(count(), 10);
  });

  it('of nothing is whole', async () => {
    assert.deepEqual(await wholeDump(dumping([]).dump, 'x'), []);
  });
});
