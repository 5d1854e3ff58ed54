import assert from 'node:assert/strict';
import fc from 'fast-check';
import { decodeOrders, encodeOrder, type Order } from '../../../src/egress/randmap/orders.js';
import type { Element } from '../../../src/netlink/nftables/element.js';

const listed = (orders: readonly Order[]): Element[] =>
  orders
    .flatMap(encodeOrder)
    .map(({ key, comment }) => ({
      key,
      comment,
      data: undefined,
      timeoutMs: undefined,
      expirationMs: undefined,
    }))
    .reverse();

const order: fc.Arbitrary<Order> = fc.record(
  {
    id: fc.integer({ min: 1, max: 0xfffffffe }),
    words: fc.stringMatching(/^[a-zA-Z0-9:./ -]{1,500}$/),
    link: fc.record(
      { device: fc.stringMatching(/^[a-z0-9]{1,15}$/), gsoMaxSegments: fc.nat(65_535) },
      { noNullPrototype: true },
    ),
  },
  { requiredKeys: ['id', 'words'], noNullPrototype: true },
);

describe('orders of randmap, kept in the kernel', () => {
  it('come back whole and by number, however long and in whatever order', () => {
    fc.assert(
      fc.property(fc.uniqueArray(order, { selector: ({ id }) => id, maxLength: 8 }), (orders) => {
        assert.deepEqual(
          decodeOrders(listed(orders)),
          orders.toSorted((a, b) => a.id - b.id),
        );
      }),
    );
  });

  it('fit each part into a comment', () => {
    for (const { comment } of encodeOrder({ id: 7, words: 'x'.repeat(400) })) assert.ok(comment!.length <= 127);
  });

  it('pass over elements that are not theirs', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 12 }), fc.option(fc.string(), { nil: undefined }), (key, comment) => {
        decodeOrders([{ ...listed([{ id: 1, words: 'x' }])[0]!, key: Buffer.from(key), comment }]);
      }),
    );
  });
});
