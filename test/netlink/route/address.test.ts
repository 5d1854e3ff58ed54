import assert from 'node:assert/strict';
import fc from 'fast-check';
import { formatIpv6 } from '../../../src/netlink/ip-address.js';
import { decodeAddress, encodeAddress } from '../../../src/netlink/route/address.js';

describe('address messages', () => {
  it('give an address and its peer', () => {
    const spec = { index: 3, address: '10.0.0.1', peer: '10.0.0.2', prefixLength: 32, scope: 253 };
    assert.equal(
      encodeAddress(spec).toString('hex'),
      '022000fd' + '03000000' + ('0800' + '0200' + '0a000001') + ('0800' + '0100' + '0a000002'),
    );
  });

  it('repeat the address where there is no peer', () => {
    assert.equal(
      encodeAddress({ index: 3, address: '10.0.0.1', prefixLength: 24 }).toString('hex'),
      '02180000' + '03000000' + ('0800' + '0200' + '0a000001') + ('0800' + '0100' + '0a000001'),
    );
  });

  it('give sixteen bytes of IPv6, and flags', () => {
    const spec = { index: 3, address: 'fd00::1', peer: 'fd00::2', prefixLength: 128, flags: 2 };
    const bytes = (last: string): string => `fd00${'00'.repeat(13)}${last}`;
    assert.equal(
      encodeAddress(spec).toString('hex'),
      '0a800200' + '03000000' + ('1400' + '0200' + bytes('01')) + ('1400' + '0100' + bytes('02')),
    );
  });

  const anyIp6 = fc.uint8Array({ minLength: 16, maxLength: 16 }).map((bytes) => formatIpv6(Buffer.from(bytes)) ?? '');

  for (const [version, anyIp] of [
    [4, fc.ipV4()],
    [6, anyIp6],
  ] as const) {
    it(`come back from their bytes, IPv${version}`, () => {
      const anyAddress = fc.record({
        index: fc.nat(0x7fffffff),
        address: anyIp,
        prefixLength: fc.nat(version === 4 ? 32 : 128),
        scope: fc.nat(255),
        flags: fc.nat(255),
      });
      fc.assert(
        fc.property(anyAddress, fc.option(anyIp, { nil: undefined }), (address, peer) => {
          fc.pre(peer !== address.address);
          const spec = { ...address, ...(peer !== undefined && { peer }) };
          assert.deepEqual(decodeAddress(encodeAddress(spec)), spec);
        }),
      );
    });
  }

  it('are read from any bytes, and refused for other families', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
        const address = decodeAddress(Buffer.from(bytes));
        assert.ok(address === undefined || bytes[0] === 2 || bytes[0] === 10);
      }),
    );
    // A family whose addresses are as long, and one that the length belies.
    const ipv6 = encodeAddress({ index: 3, address: 'fd00::1', prefixLength: 128 });
    for (const family of [0, 1, 2, 7, 28]) {
      ipv6.writeUInt8(family, 0);
      assert.equal(decodeAddress(ipv6), undefined);
    }
  });
});
