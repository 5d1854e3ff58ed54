/** How the filter is told to the kernel; what the kernel makes of it, the lab's `egress-guard` has tc(8) say. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import {
  encodeFilterHook,
  encodeTypeFilter,
  encodeTypeFilterKey,
  filterDevice,
  isTypeFilter,
} from '../../../src/netlink/route/type-filter.js';

const hex = (bytes: Buffer): string => bytes.toString('hex');
const INDEX = 7;

describe('the filter that has packets look like a broadcast', () => {
  it('hangs on a clsact qdisc', () => {
    assert.equal(
      hex(encodeFilterHook(INDEX)),
      '00000000' +
        '07000000' +
        '0000ffff' +
        'f1ffffff' +
        '00000000' + // tcmsg: ifindex, handle, parent
        ('0b00' + '0100' + '636c7361637400' + '00'), // KIND "clsact"
    );
  });

  it('is what the kernel takes', () => {
    assert.equal(
      hex(encodeTypeFilter(INDEX)),
      '00000000' +
        '07000000' +
        '01000000' +
        'f2ffffff' +
        '00030100' + // tcmsg: handle 1, ingress, ETH_P_ALL, priority 1
        ('0d00' + '0100' + '6d61746368616c6c00' + '000000') + // KIND "matchall"
        ('3c00' + '0280') + // OPTIONS
        ('3800' + '0280') + // MATCHALL_ACT
        ('3400' + '0180') + // the first action
        ('0c00' + '0100' + '736b6265646974' + '00') + // KIND "skbedit"
        ('2400' + '0280') + // OPTIONS
        ('1800' + '0200' + '00000000' + '00000000' + 'ffffffff' + '00000000' + '00000000') + // PARMS: TC_ACT_UNSPEC
        ('0600' + '0700' + '0100' + '0000'), // PTYPE: PACKET_BROADCAST
    );
  });

  it('is known again, and told from others by each of its parts', () => {
    const filter = encodeTypeFilter(INDEX);
    assert.ok(isTypeFilter(filter));
    assert.equal(filterDevice(filter), INDEX);
    assert.ok(!isTypeFilter(encodeTypeFilterKey(INDEX)), 'without its action');
    for (const [what, from, to] of [
      ['another priority', '00030100', '00030200'],
      ['another protocol', '00030100', '00080100'],
      ['another kind', '6d61746368616c6c', '6d61746368616c6d'],
      ['another action', '736b6265646974', '736b6265646975'],
      ['another type', '060007000100', '060007000200'],
    ] as const) {
      assert.ok(!isTypeFilter(Buffer.from(hex(filter).replace(from, to), 'hex')), what);
    }
  });

  it('is looked for in any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 160 }), (bytes) => {
        assert.equal(isTypeFilter(Buffer.from(bytes)), false);
        assert.equal(filterDevice(Buffer.from(bytes)) === undefined, bytes.length < 20);
      }),
    );
    const filter = encodeTypeFilter(INDEX);
    for (let length = 0; length < filter.length; length += 1) assert.ok(!isTypeFilter(filter.subarray(0, length)));
  });
});
