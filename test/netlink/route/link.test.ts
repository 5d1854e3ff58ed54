import assert from 'node:assert/strict';
import fc from 'fast-check';
import { attribute, nested, text, u32, u8 } from '../../../src/netlink/attributes.js';
import { IN6_ADDR_GEN_MODE_NONE } from '../../../src/netlink/route/constants.js';
import { decodeLink, encodeLinkQuery, encodeLinkSettings, encodeNewLink } from '../../../src/netlink/route/link.js';
import { encodeTunnel } from '../../../src/netlink/route/tunnel.js';

const hex = (bytes: Buffer): string => bytes.toString('hex');

describe('link messages', () => {
  it('make a dummy link, up, of a group', () => {
    assert.equal(
      hex(encodeNewLink({ name: 'ipipou0', kind: 'dummy', up: true, mtu: 1472, group: 7 })),
      '00000000' +
        '00000000' +
        '01000000' +
        '01000000' + // family, type, index 0, flags UP, change UP
        ('0c00' + '0300' + '697069706f753000') + // IFNAME
        ('0800' + '0400' + 'c0050000') + // MTU
        ('0800' + '1b00' + '07000000') + // GROUP
        ('1000' + '1280' + ('0900' + '0100' + '64756d6d79000000')), // LINKINFO { KIND "dummy" }
    );
  });

  it('set only what is given', () => {
    assert.equal(hex(encodeLinkSettings(5, {})), '00000000' + '05000000' + '00000000' + '00000000');
    assert.equal(hex(encodeLinkSettings(5, { up: false })), '00000000' + '05000000' + '00000000' + '01000000');
    assert.equal(
      hex(encodeLinkSettings(5, { alias: 'ab' })),
      '00000000' + '05000000' + '00000000' + '00000000' + ('0600' + '1400' + '61620000'),
    );
    assert.equal(
      hex(encodeLinkSettings(5, { alias: '' })),
      '00000000' + '05000000' + '00000000' + '00000000' + ('0400' + '1400'),
    );
  });

  it('set how the device comes by its link-local address', () => {
    assert.equal(
      hex(encodeLinkSettings(5, { addrGenMode: IN6_ADDR_GEN_MODE_NONE })),
      '00000000' +
        '05000000' +
        '00000000' +
        '00000000' +
        ('1000' + '1a80') + // AF_SPEC {
        ('0c00' + '0a80') + //   AF_INET6 {
        ('0500' + '0800' + '01000000'), // ADDR_GEN_MODE none } }
    );
  });

  it('refuse names and aliases that the kernel would refuse', () => {
    assert.throws(() => encodeNewLink({ name: 'a'.repeat(16), kind: 'dummy' }), /longer than 15 bytes/);
    assert.throws(() => encodeLinkQuery({ name: 'é'.repeat(8) }), /longer than 15 bytes/);
    assert.throws(() => encodeLinkSettings(1, { alias: 'a'.repeat(256) }), /longer than 255 bytes/);
  });

  it('are read with what concerns us, whatever else they say', () => {
    const header = Buffer.alloc(16);
    header.writeInt32LE(9, 4);
    header.writeUInt32LE(0x91, 8);
    const tunnel = { local: '172.29.0.1', remote: '198.51.100.7', ttl: 64, tos: 1, pathMtuDiscovery: true };
    const body = Buffer.concat([
      header,
      text(3, 'ipipou0'),
      u32(4, 1472),
      u32(5, 2),
      u8(16, 6),
      text(20, 'ours'),
      u32(27, 3),
      attribute(4000, Buffer.alloc(3)),
      nested(18, [text(1, 'ipip'), nested(2, encodeTunnel(tunnel))]),
    ]);
    assert.deepEqual(decodeLink(body), {
      index: 9,
      name: 'ipipou0',
      flags: 0x91,
      up: true,
      mtu: 1472,
      operState: 6,
      group: 3,
      gsoMaxSegments: 0,
      alias: 'ours',
      kind: 'ipip',
      lowerIndex: 2,
      tunnel,
    });
  });

  it('about the ports of a bridge are not about the link', () => {
    const header = Buffer.alloc(16);
    header.writeUInt8(7, 0);
    assert.equal(decodeLink(Buffer.concat([header, text(3, 'veth0')])), undefined);
  });

  it('without a name, or with a fault inside the tunnel’s parameters, are refused', () => {
    const header = Buffer.alloc(16);
    assert.equal(decodeLink(header), undefined);
    const faulty = nested(18, [text(1, 'ipip'), nested(2, [u8(1, 0)])]);
    assert.equal(decodeLink(Buffer.concat([header, text(3, 'a'), faulty])), undefined);
  });

  it('are read from any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        const link = decodeLink(Buffer.concat([Buffer.alloc(1), Buffer.from(bytes)]));
        assert.ok(link === undefined || typeof link.name === 'string');
      }),
    );
  });
});
