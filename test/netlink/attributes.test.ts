import assert from 'node:assert/strict';
import fc from 'fast-check';
import {
  attribute,
  AttributeDecoder,
  be16,
  be32,
  be64,
  nested,
  text,
  u16,
  u32,
  u8,
} from '../../src/netlink/attributes.js';

const hex = (bytes: Buffer): string => bytes.toString('hex');

describe('attribute encoders', () => {
  it('write length, type and payload, padded with zeros to four bytes', () => {
    //                              len  type payload  padding
    assert.equal(hex(u8(5, 0xab)), '0500' + '0500' + 'ab' + '000000');
    assert.equal(hex(u16(0x12, 0x3456)), '0600' + '1200' + '5634' + '0000');
    assert.equal(hex(u32(1, 0x12345678)), '0800' + '0100' + '78563412');
    assert.equal(hex(be16(1, 0x3456)), '0600' + '0100' + '3456' + '0000');
    assert.equal(hex(be32(1, 0x12345678)), '0800' + '0100' + '12345678');
    assert.equal(hex(be32(1, -3)), '0800' + '0100' + 'fffffffd');
    assert.equal(hex(be64(2, 0x0102030405060708n)), '0c00' + '0200' + '0102030405060708');
    assert.equal(hex(text(3, 'fou')), '0800' + '0300' + '666f7500');
    assert.equal(hex(attribute(4, Buffer.alloc(0))), '0400' + '0400');
  });

  it('flag a list as nested', () => {
    assert.equal(hex(nested(18, [u8(1, 2), u8(3, 4)])), '1400' + '1280' + '0500010002000000' + '0500030004000000');
  });

  it('refuse what no attribute can hold', () => {
    assert.equal(attribute(1, Buffer.alloc(65_531)).readUInt16LE(), 65_535);
    assert.throws(() => attribute(1, Buffer.alloc(65_532)), /limit is 65535/);
  });
});

describe('AttributeDecoder', () => {
  it('reads back what the encoders write', () => {
    const list = Buffer.concat([
      u8(1, 200),
      u16(2, 60_000),
      u32(3, 4_000_000_000),
      be16(4, 10_000),
      be32(5, 0xc0000201),
      be64(6, 1n << 63n),
      text(7, 'ipipou0'),
      nested(8, [u8(1, 1)]),
    ]);
    const decoder = new AttributeDecoder(list);
    assert.equal(decoder.u8(1), 200);
    assert.equal(decoder.u16(2), 60_000);
    assert.equal(decoder.u32(3), 4_000_000_000);
    assert.equal(decoder.be16(4), 10_000);
    assert.equal(decoder.be32(5), 0xc0000201);
    assert.equal(decoder.be64(6), 1n << 63n);
    assert.equal(decoder.text(7), 'ipipou0');
    assert.equal(decoder.nested(8)?.u8(1), 1);
    assert.equal(decoder.has(8), true);
    assert.equal(decoder.has(9), false);
    assert.equal(decoder.fault, undefined);
  });

  it('gives undefined for what is not there, without a fault', () => {
    const decoder = new AttributeDecoder(u8(1, 1));
    assert.equal(decoder.u32(2), undefined);
    assert.equal(decoder.nested(2), undefined);
    assert.deepEqual(decoder.list(2), []);
    assert.equal(decoder.fault, undefined);
  });

  it('reads a list whose last attribute lacks its padding', () => {
    const decoder = new AttributeDecoder(u8(1, 7).subarray(0, 5));
    assert.equal(decoder.u8(1), 7);
    assert.equal(decoder.fault, undefined);
  });

  it('ignores the flag bits of a type, and lets the last of a type count', () => {
    const decoder = new AttributeDecoder(Buffer.concat([u8(1, 1), u8(1 | 0x8000, 2), u8(1 | 0x4000, 3)]));
    assert.equal(decoder.u8(1), 3);
  });

  it('lists all attributes of a type in their order', () => {
    const list = Buffer.concat([nested(1, [u8(9, 1)]), u8(2, 0), nested(1, [u8(9, 2)])]);
    const items = new AttributeDecoder(list).list(1);
    assert.deepEqual(
      items.map((item) => item.u8(9)),
      [1, 2],
    );
  });

  it('keeps its first fault, and answers nothing after it', () => {
    const decoder = new AttributeDecoder(Buffer.concat([u8(1, 1), u32(2, 2)]));
    assert.equal(decoder.u32(1), undefined);
    assert.match(decoder.fault ?? '', /attribute 1 has 1 bytes instead of 4/);
    assert.equal(decoder.u16(2), undefined);
    assert.match(decoder.fault ?? '', /attribute 1 /);
  });

  it('takes over the faults of inner lists, also those found later', () => {
    const decoder = new AttributeDecoder(nested(1, [nested(2, [u8(3, 0)])]));
    const inner = decoder.nested(1)?.nested(2);
    assert.equal(decoder.fault, undefined);
    assert.equal(inner?.u32(3), undefined);
    assert.match(String(decoder.fault), /attribute 3 has 1 bytes instead of 4/);

    const cut = new AttributeDecoder(nested(1, [Buffer.of(9, 0, 1, 0)]));
    cut.nested(1);
    assert.match(cut.fault ?? '', /claims 9 of 4 bytes/);
  });

  it('finds a fault in a list cut at any place but between attributes', () => {
    const list = Buffer.concat([u32(1, 1), u32(2, 2), u32(3, 3)]);
    for (let length = 0; length <= list.length; length++) {
      const { fault } = new AttributeDecoder(list.subarray(0, length));
      assert.equal(fault === undefined, length % 8 === 0, `${length} bytes`);
    }
  });

  it('takes any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(0x3fff), (bytes, type) => {
        const decoder = new AttributeDecoder(Buffer.from(bytes));
        decoder.list(type).forEach((child) => child.text(1));
        decoder.nested(type)?.u32(1);
        decoder.be64(type);
        decoder.u8(type);
        assert.ok(decoder.fault === undefined || decoder.fault.length > 0);
        if (decoder.fault !== undefined) assert.equal(decoder.bytes(type), undefined);
      }),
    );
  });

  it('reads every list of attributes that can be written', () => {
    const entry = fc.tuple(fc.nat(0x3fff), fc.uint8Array({ maxLength: 40 }));
    fc.assert(
      fc.property(fc.uniqueArray(entry, { selector: ([type]) => type, maxLength: 20 }), (entries) => {
        const decoder = new AttributeDecoder(Buffer.concat(entries.map(([type, payload]) => attribute(type, payload))));
        for (const [type, payload] of entries) assert.deepEqual(decoder.bytes(type), Buffer.from(payload));
        assert.equal(decoder.fault, undefined);
      }),
    );
  });
});
