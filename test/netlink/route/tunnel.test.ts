import assert from 'node:assert/strict';
import fc from 'fast-check';
import { AttributeDecoder, u8 } from '../../../src/netlink/attributes.js';
import { decodeTunnel, encodeTunnel, type TunnelParameters } from '../../../src/netlink/route/tunnel.js';

const anyTunnel: fc.Arbitrary<TunnelParameters> = fc.record(
  {
    local: fc.ipV4().filter((address) => address !== '0.0.0.0'),
    remote: fc.ipV4().filter((address) => address !== '0.0.0.0'),
    device: fc.integer({ min: 1, max: 0x7fffffff }),
    ttl: fc.nat(255),
    tos: fc.nat(255),
    pathMtuDiscovery: fc.boolean(),
    fou: fc.record(
      { sourcePort: fc.nat(0xffff), destinationPort: fc.nat(0xffff), checksum: fc.boolean() },
      { noNullPrototype: true },
    ),
  },
  { requiredKeys: ['ttl', 'tos', 'pathMtuDiscovery'], noNullPrototype: true },
);

describe('ipip tunnel parameters', () => {
  it('are these attributes', () => {
    const tunnel = {
      local: '172.29.0.1',
      remote: '198.51.100.7',
      device: 2,
      ttl: 64,
      tos: 0,
      pathMtuDiscovery: true,
      fou: { sourcePort: 10_000, destinationPort: 40_001, checksum: true },
    };
    assert.equal(
      Buffer.concat(encodeTunnel(tunnel)).toString('hex'),
      '0800' +
        '0100' +
        '02000000' + // LINK, host order
        ('0800' + '0200' + 'ac1d0001') + // LOCAL, network order
        ('0800' + '0300' + 'c6336407') + // REMOTE
        ('0500' + '0400' + '40000000') + // TTL
        ('0500' + '0500' + '00000000') + // TOS
        ('0500' + '0900' + '04000000') + // PROTO IPIP
        ('0500' + '0a00' + '01000000') + // PMTUDISC
        ('0600' + '0f00' + '01000000') + // ENCAP_TYPE FOU, host order
        ('0600' + '1000' + '01000000') + // ENCAP_FLAGS CSUM, host order
        ('0600' + '1100' + '27100000') + // ENCAP_SPORT, network order
        ('0600' + '1200' + '9c410000'), // ENCAP_DPORT
    );
  });

  it('are all sent even where they say none, since the kernel would keep an old encapsulation', () => {
    const types = (tunnel: TunnelParameters): number[] => encodeTunnel(tunnel).map((bytes) => bytes.readUInt16LE(2));
    assert.deepEqual(types({ ttl: 0, tos: 0, pathMtuDiscovery: false }), [1, 2, 3, 4, 5, 9, 10, 15, 16, 17, 18]);
  });

  for (const kind of ['ipip', 'sit'] as const) {
    it(`come back from their attributes, ${kind}`, () => {
      fc.assert(
        fc.property(anyTunnel, (tunnel) => {
          const decoder = new AttributeDecoder(Buffer.concat(encodeTunnel(tunnel, kind)));
          assert.deepEqual(decodeTunnel(decoder, kind), tunnel);
          assert.equal(decoder.fault, undefined);
        }),
      );
    });
  }

  it('of a sit link are for any protocol, and another one is shown', () => {
    const tunnel = { ttl: 64, tos: 0, pathMtuDiscovery: true };
    const attributes = encodeTunnel(tunnel, 'sit');
    assert.ok(attributes.some((one) => one.toString('hex') === '0500090000000000'));
    const shownBy = (kind: 'ipip' | 'sit', protocol: number): number | undefined => {
      const data = Buffer.concat([u8(9, protocol)]);
      return decodeTunnel(new AttributeDecoder(data), kind).otherProtocol;
    };
    assert.deepEqual(
      [shownBy('sit', 0), shownBy('sit', 41), shownBy('ipip', 4), shownBy('ipip', 0)],
      [undefined, 41, undefined, 0],
    );
  });
});
