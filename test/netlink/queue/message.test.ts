import assert from 'node:assert/strict';
import fc from 'fast-check';
import { attribute, be32 } from '../../../src/netlink/attributes.js';
import { decodeQueuedPacket, encodeQueueBinding, encodeVerdict } from '../../../src/netlink/queue/message.js';

describe('packet queue messages', () => {
  it('bind and set up a queue', () => {
    assert.equal(
      encodeQueueBinding(258, { maxLength: 1024, copyRangeBytes: 128 }).toString('hex'),
      '00000102' + // nfgenmsg: any family, version 0, queue
        ('0800' + '0100' + '01000000') + // CMD bind
        ('0900' + '0200' + '0000008002' + '000000') + // PARAMS: range, copy packets; five bytes, packed
        ('0800' + '0300' + '00000400') + // QUEUE_MAXLEN
        ('0800' + '0400' + '00000005') + // MASK fail-open, GSO
        ('0800' + '0500' + '00000000'), // FLAGS none
    );
  });

  it('give a verdict in 32 bytes', () => {
    const hex = (verdict: 'accept' | 'drop'): string => encodeVerdict(258, 0x11223344, verdict).toString('hex');
    const head = '20000000' + '0103' + '0100' + '00000000' + '00000000' + '00000102' + '0c00' + '0200';
    assert.equal(hex('accept'), head + '00000001' + '11223344');
    assert.equal(hex('drop'), head + '00000000' + '11223344');
  });

  it('bring a packet', () => {
    const body = Buffer.concat([
      Buffer.of(2, 0, 1, 2),
      attribute(1, Buffer.from('11223344' + '0800' + '01', 'hex')),
      be32(5, 7),
      be32(3, 99),
      attribute(9, Buffer.alloc(12)),
      be32(13, 500),
      attribute(10, Buffer.from('4500', 'hex')),
    ]);
    assert.deepEqual(decodeQueuedPacket(body), {
      id: 0x11223344,
      hook: 1,
      inIfindex: 7,
      mark: 99,
      payload: Buffer.from('4500', 'hex'),
      truncated: true,
    });
  });

  it('bring a packet made here, whole, without mark', () => {
    const body = Buffer.concat([
      Buffer.alloc(4),
      attribute(1, Buffer.from('00000001080003', 'hex')),
      attribute(10, Buffer.from('45', 'hex')),
    ]);
    assert.deepEqual(decodeQueuedPacket(body), {
      id: 1,
      hook: 3,
      inIfindex: 0,
      mark: 0,
      payload: Buffer.from('45', 'hex'),
      truncated: false,
    });
  });

  it('without a header of the right size are refused', () => {
    assert.equal(decodeQueuedPacket(Buffer.alloc(4)), undefined);
    assert.equal(decodeQueuedPacket(Buffer.concat([Buffer.alloc(4), attribute(1, Buffer.alloc(6))])), undefined);
  });

  it('are read from any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        const packet = decodeQueuedPacket(Buffer.from(bytes));
        assert.ok(packet === undefined || packet.payload.length < bytes.length);
      }),
    );
  });
});
