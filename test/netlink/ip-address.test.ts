import assert from 'node:assert/strict';
import fc from 'fast-check';
import { formatIp, formatIpv4, formatIpv6, parseIp, parseIpv4, parseIpv6 } from '../../src/netlink/ip-address.js';

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

  it('of version 6 are as short as can be', () => {
    assert.equal(formatIpv6(Buffer.from('20010db8000000000000000000000001', 'hex')), '2001:db8::1');
    assert.equal(formatIpv6(Buffer.alloc(16)), '::');
    assert.equal(formatIpv6(Buffer.alloc(4)), undefined);
  });

  it('of version 6 are read in any spelling, and without a zone', () => {
    for (const spelt of [
      '2001:db8::1',
      '2001:DB8:0:0::1',
      '2001:0db8:0000:0000:0000:0000:0000:0001',
      '2001:db8::0.0.0.1',
    ]) {
      assert.equal(parseIpv6(spelt).toString('hex'), '20010db8000000000000000000000001');
    }
    for (const wrong of ['', '1.2.3.4', '1::2::3', '2001:db8::1%eth0', '::g', '1:2:3:4:5:6:7:8:9']) {
      assert.throws(() => parseIpv6(wrong), RangeError, wrong);
    }
  });

  it('come back from their text', () => {
    fc.assert(fc.property(fc.ipV4(), (address) => formatIpv4(parseIpv4(address)) === address));
    const bytes = fc.oneof(
      fc.uint8Array({ minLength: 4, maxLength: 4 }),
      fc.uint8Array({ minLength: 16, maxLength: 16 }),
    );
    fc.assert(fc.property(bytes, (some) => parseIp(formatIp(Buffer.from(some)) ?? '').equals(some)));
  });
});
