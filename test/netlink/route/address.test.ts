import assert from 'node:assert/strict';
import fc from 'fast-check';
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

  it('come back from their bytes', () => {
    const anyAddress = fc.record({
      index: fc.nat(0x7fffffff),
      address: fc.ipV4(),
      prefixLength: fc.nat(32),
      scope: fc.nat(255),
    });
    fc.assert(
      fc.property(anyAddress, fc.option(fc.ipV4(), { nil: undefined }), (address, peer) => {
        fc.pre(peer !== address.address);
        const spec = { ...address, ...(peer !== undefined && { peer }) };
        assert.deepEqual(decodeAddress(encodeAddress(spec)), { ...spec, flags: 0 });
      }),
    );
  });

  it('are read from any bytes, and refused for other families', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
        const address = decodeAddress(Buffer.from(bytes));
        assert.ok(address === undefined || bytes[0] === 2);
      }),
    );
    assert.equal(decodeAddress(Buffer.concat([Buffer.of(10), Buffer.alloc(40)])), undefined);
  });
});
