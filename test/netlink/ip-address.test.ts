import assert from 'node:assert/strict';
import fc from 'fast-check';
import { formatIpv4, formatIpv6, parseIpv4 } from '../../src/netlink/ip-address.js';

describe('IP addresses', () => {
  it('of version 4 are four bytes', () => {
    assert.deepEqual(parseIpv4('192.0.2.1'), Buffer.of(192, 0, 2, 1));
    assert.equal(formatIpv4(Buffer.of(192, 0, 2, 1)), '192.0.2.1');
    assert.equal(formatIpv4(Buffer.alloc(5)), undefined);
    assert.equal(formatIpv4(undefined), undefined);
  });

  it('are refused in any other form than four numbers', () => {
    for (const wrong of ['', '1.2.3', '1.2.3.256', '01.2.3.4', '1.2.3.4 ', '::1', 'host']) {
      assert.throws(() => parseIpv4(wrong), RangeError, wrong);
    }
  });

  it('of version 6 are eight groups', () => {
    assert.equal(formatIpv6(Buffer.from('20010db8000000000000000000000001', 'hex')), '2001:db8:0:0:0:0:0:1');
    assert.equal(formatIpv6(Buffer.alloc(4)), undefined);
  });

  it('come back from their text', () => {
    fc.assert(fc.property(fc.ipV4(), (address) => formatIpv4(parseIpv4(address)) === address));
  });
});
