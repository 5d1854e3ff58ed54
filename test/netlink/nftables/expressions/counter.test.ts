import assert from 'node:assert/strict';
import fc from 'fast-check';
import { counter, decodeCounter, queue } from '../../../../src/netlink/nftables/expressions/index.js';
import { assertTotal, valueOf } from '../total.js';

const u64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });

describe('counters', () => {
  it('come back as they went, up to 64 bits', () => {
    fc.assert(
      fc.property(u64, u64, (packets, bytes) => {
        assert.deepEqual(valueOf(decodeCounter(counter({ packets, bytes }))), { packets, bytes });
      }),
    );
  });

  it('start at nothing', () => {
    assert.deepEqual(valueOf(decodeCounter(counter())), { packets: 0n, bytes: 0n });
  });

  it('are not read out of other expressions', () => {
    assert.deepEqual(decodeCounter(queue(1)), { ok: false, fault: 'a queue is no counter' });
  });

  it('decode whatever bytes come', () => {
    assertTotal((data) => decodeCounter({ name: 'counter', data }), counter().data);
  });
});
