import assert from 'node:assert/strict';
import fc from 'fast-check';
import { u8 } from '../../../src/netlink/attributes.js';
import { formatIpv6 } from '../../../src/netlink/ip-address.js';
import { RTN_LOCAL, RTN_UNREACHABLE } from '../../../src/netlink/route/constants.js';
import { decodeRoute, encodeRoute, encodeRouteQuery, type RouteSpec } from '../../../src/netlink/route/route.js';

const hex = (bytes: Buffer): string => bytes.toString('hex');

describe('route messages', () => {
  it('give a route by a gateway', () => {
    const spec = {
      destination: '10.1.0.0',
      prefixLength: 16,
      table: 1000,
      outInterface: 2,
      gateway: '192.0.2.1',
      preferredSource: '192.0.2.5',
      priority: 50,
      mtu: 1400,
    };
    assert.equal(
      hex(encodeRoute(spec)),
      '02100000' +
        '00040001' +
        '00000000' + // AF_INET /16; table by attribute, RTPROT_STATIC, universe, unicast; flags
        ('0800' + '0100' + '0a010000') + // DST
        ('0800' + '0f00' + 'e8030000') + // TABLE
        ('0800' + '0400' + '02000000') + // OIF
        ('0800' + '0500' + 'c0000201') + // GATEWAY
        ('0800' + '0700' + 'c0000205') + // PREFSRC
        ('0800' + '0600' + '32000000') + // PRIORITY
        ('0c00' + '0880' + ('0800' + '0200' + '78050000')), // METRICS { MTU }
    );
  });

  it('take table and scope from the kind of route', () => {
    const scopeAndTable = (spec: Omit<RouteSpec, 'destination' | 'prefixLength'>): number[] => {
      const body = encodeRoute({ destination: '10.0.0.1', prefixLength: 32, ...spec });
      return [body.readUInt8(6), decodeRoute(body)?.table ?? -1];
    };
    assert.deepEqual(scopeAndTable({ type: RTN_LOCAL }), [254, 255]);
    assert.deepEqual(scopeAndTable({ outInterface: 1 }), [253, 254]);
    assert.deepEqual(scopeAndTable({ gateway: '10.0.0.2' }), [0, 254]);
    assert.deepEqual(scopeAndTable({ type: RTN_UNREACHABLE }), [0, 254]);
    assert.deepEqual(scopeAndTable({ scope: 200, table: 77 }), [200, 77]);
  });

  it('ask for the way of a packet', () => {
    assert.equal(
      hex(encodeRouteQuery('203.0.113.9', { from: '192.0.2.5', oif: 2 })),
      '02202000' +
        '00000000' +
        '00100000' +
        ('0800' + '0100' + 'cb007109') +
        ('0800' + '0200' + 'c0000205') +
        ('0800' + '0400' + '02000000'),
    );
  });

  it('give sixteen bytes of IPv6', () => {
    assert.equal(
      hex(encodeRoute({ destination: '2001:db8::', prefixLength: 32, outInterface: 2 })),
      '0a200000' +
        '0004fd01' +
        '00000000' +
        ('1400' + '0100' + '20010db8000000000000000000000000') +
        ('0800' + '0f00' + 'fe000000') +
        ('0800' + '0400' + '02000000'),
    );
    assert.equal(hex(encodeRouteQuery('2001:db8::1', { from: 'fd00::1' })).slice(0, 8), '0a808000');
    assert.equal(encodeRouteQuery('2001:db8::1', {}).readUInt32LE(8), 0);
    assert.deepEqual(
      [2, 10].map((family) => decodeRoute(Buffer.concat([Buffer.of(family), Buffer.alloc(11)]))?.destination),
      ['0.0.0.0', '::'],
    );
  });

  const anyIp6 = fc.uint8Array({ minLength: 16, maxLength: 16 }).map((bytes) => formatIpv6(Buffer.from(bytes)) ?? '');

  for (const [version, anyIp] of [
    [4, fc.ipV4()],
    [6, anyIp6],
  ] as const)
    it(`come back from their bytes, IPv${version}`, () => {
      const anyRoute = fc.record(
        {
          destination: anyIp,
          prefixLength: fc.nat(version === 4 ? 32 : 128),
          type: fc.nat(255),
          table: fc.nat(0xffffffff),
          scope: fc.nat(255),
          protocol: fc.nat(255),
          outInterface: fc.nat(0x7fffffff),
          gateway: anyIp,
          preferredSource: anyIp,
          priority: fc.nat(0xffffffff),
          mtu: fc.nat(0xffff),
        },
        { requiredKeys: ['destination', 'prefixLength', 'type', 'table', 'scope', 'protocol'], noNullPrototype: true },
      );
      fc.assert(
        fc.property(anyRoute, (spec) => {
          assert.deepEqual(decodeRoute(encodeRoute(spec)), { ...spec, flags: 0, multipath: false });
        }),
      );
    });

  it('are read from any bytes, and refused with an attribute of the wrong size', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 120 }), (bytes) => {
        const route = decodeRoute(Buffer.concat([Buffer.of(2), Buffer.from(bytes)]));
        assert.ok(route === undefined || bytes.length >= 11);
      }),
    );
    const header = Buffer.alloc(12);
    header.writeUInt8(2, 0);
    assert.equal(decodeRoute(Buffer.concat([header, u8(4, 1)])), undefined);
  });
});
