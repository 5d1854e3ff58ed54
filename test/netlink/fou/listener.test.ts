import assert from 'node:assert/strict';
import fc from 'fast-check';
import { attribute, be16, u8 } from '../../../src/netlink/attributes.js';
import {
  decodeFouListener,
  encodeFouListener,
  type FouListenerSpec,
  type FouPayload,
} from '../../../src/netlink/fou/listener.js';
import { encodeGeneric } from '../../../src/netlink/genl/family.js';

describe('FOU listeners', () => {
  it('on any address are these attributes', () => {
    assert.equal(
      Buffer.concat(encodeFouListener({ port: 10_000, type: 'fou', ipproto: 4 })).toString('hex'),
      '0600' +
        '0100' +
        '27100000' + // PORT, network order
        ('0500' + '0200' + '02000000') + // AF
        ('0500' + '0400' + '01000000') + // TYPE direct
        ('0500' + '0300' + '04000000'), // IPPROTO
    );
  });

  it('between two addresses on a device are these attributes', () => {
    const spec: FouListenerSpec = {
      port: 10_000,
      type: 'gue',
      local: '192.0.2.1',
      peer: '198.51.100.7',
      peerPort: 40_001,
      ifindex: 2,
    };
    assert.equal(
      Buffer.concat(encodeFouListener(spec)).toString('hex'),
      '0600' +
        '0100' +
        '27100000' +
        ('0500' + '0200' + '02000000') +
        ('0800' + '0600' + 'c0000201') + // LOCAL_V4
        ('0800' + '0800' + 'c6336407') + // PEER_V4
        ('0600' + '0a00' + '9c410000') + // PEER_PORT, network order
        ('0800' + '0b00' + '02000000') + // IFINDEX, host order
        ('0500' + '0400' + '02000000'), // TYPE GUE
    );
  });

  it('come back from a dump, where zeros mean any', () => {
    const key = fc.record(
      {
        port: fc.nat(0xffff),
        local: fc.ipV4(),
        peer: fc.ipV4(),
        peerPort: fc.nat(0xffff),
        ifindex: fc.nat(0x7fffffff),
      },
      { requiredKeys: ['port'], noNullPrototype: true },
    );
    const payload: fc.Arbitrary<FouPayload> = fc.oneof(
      fc.nat(255).map((ipproto) => ({ type: 'fou' as const, ipproto })),
      fc.constant({ type: 'gue' as const }),
    );
    fc.assert(
      fc.property(key, payload, (place, content) => {
        const spec: FouListenerSpec = { ...place, ...content };
        const shown = Object.entries(spec).filter(
          ([name, value]) => ['port', 'type', 'ipproto'].includes(name) || (value !== 0 && value !== '0.0.0.0'),
        );
        const decoded = decodeFouListener(encodeGeneric(1, 1, encodeFouListener(spec)));
        assert.deepEqual(decoded, { ...Object.fromEntries(shown), family: 'ipv4' });
      }),
    );
  });

  it('of IPv6 are shown too, since they occupy the port', () => {
    const local = Buffer.from('20010db8000000000000000000000001', 'hex');
    const body = encodeGeneric(1, 1, [be16(1, 9), u8(2, 10), attribute(7, local), attribute(9, Buffer.alloc(16))]);
    assert.deepEqual(decodeFouListener(body), {
      port: 9,
      family: 'ipv6',
      type: 'fou',
      ipproto: 0,
      local: '2001:db8::1',
    });
  });

  it('are read from any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 120 }), (bytes) => {
        const listener = decodeFouListener(Buffer.from(bytes));
        assert.ok(listener === undefined || listener.port <= 0xffff);
      }),
    );
  });
});
