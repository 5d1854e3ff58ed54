import assert from 'node:assert/strict';
import fc from 'fast-check';
import { decodeUdpDatagram, encodeUdpDatagram } from '../../../src/dataplane/kernel/udp-datagram.js';

const endpoint = fc.record({ address: fc.ipV4(), port: fc.integer({ min: 0, max: 65535 }) }, { noNullPrototype: true });

/** 203.0.113.7:40001 to 198.51.100.1:10000, payload "hi", every field by hand. */
const known = Buffer.from(
  '45 00 001e 0000 0000 40 11 0000 cb007107 c6336401  9c41 2710 000a 0000 6869'.replaceAll(' ', ''),
  'hex',
);

describe('UDP datagrams', () => {
  it('are encoded field by field as RFC 791 and RFC 768 lay them out', () => {
    const datagram = {
      source: { address: '203.0.113.7', port: 40001 },
      destination: { address: '198.51.100.1', port: 10000 },
      payload: Buffer.from('hi'),
    };
    assert.deepEqual(encodeUdpDatagram(datagram, 64), known);
    assert.deepEqual(decodeUdpDatagram(known), datagram);
  });

  it('are read behind IP options, whatever the header length', () => {
    const options = Buffer.alloc(8, 1);
    const packet = Buffer.concat([known.subarray(0, 20), options, known.subarray(20)]);
    packet.writeUInt8(0x47, 0);
    packet.writeUInt16BE(packet.length, 2);
    assert.equal(decodeUdpDatagram(packet)?.source.port, 40001);
    assert.equal(decodeUdpDatagram(packet)?.payload.toString(), 'hi');
  });

  it('end where UDP says, whatever is padded behind', () => {
    const padded = Buffer.concat([known, Buffer.alloc(18, 0xff)]);
    assert.equal(decodeUdpDatagram(padded)?.payload.toString(), 'hi');
  });

  it('are refused when truncated anywhere', () => {
    for (let length = 0; length < known.length; length++)
      assert.equal(decodeUdpDatagram(known.subarray(0, length)), undefined);
  });

  it('are refused when fragmented, of another protocol or version, or when a length lies', () => {
    const spoiled = (offset: number, ...bytes: number[]): Buffer => {
      const packet = Buffer.from(known);
      packet.set(bytes, offset);
      return packet;
    };
    const bad = [
      spoiled(0, 0x65),
      spoiled(0, 0x44),
      spoiled(6, 0x20, 0),
      spoiled(6, 0, 1),
      spoiled(9, 6),
      spoiled(2, 0, 29),
      spoiled(24, 0, 7),
      spoiled(24, 0, 11),
    ];
    for (const packet of bad) assert.equal(decodeUdpDatagram(packet), undefined);
    // A reserved or don't-fragment bit is no fragment.
    assert.notEqual(decodeUdpDatagram(spoiled(6, 0x40, 0)), undefined);
  });

  it('survive a round trip', () => {
    fc.assert(
      fc.property(endpoint, endpoint, fc.uint8Array({ maxLength: 1472 }), (source, destination, bytes) => {
        const datagram = { source, destination, payload: Buffer.from(bytes) };
        assert.deepEqual(decodeUdpDatagram(encodeUdpDatagram(datagram, 64)), datagram);
      }),
    );
  });

  it('never throw, whatever the bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        const packet = Buffer.from(bytes);
        const datagram = decodeUdpDatagram(packet);
        assert.ok(datagram === undefined || datagram.payload.length <= packet.length - 28);
      }),
    );
  });
});
