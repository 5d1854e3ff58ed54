import assert from 'node:assert/strict';
import fc from 'fast-check';
import { decodeMessages, encodeMessage, type NetlinkMessage } from '../../src/netlink/message.js';

const message = (body: Buffer): NetlinkMessage => ({ type: 16, flags: 0x605, sequence: 7, portId: 0x01020304, body });

describe('netlink messages', () => {
  it('have a header of sixteen bytes in host order, and padding that their length leaves out', () => {
    assert.equal(
      encodeMessage(message(Buffer.from('abcde'))).toString('hex'),
      //len        type     flags    sequence     port         body           padding
      '15000000' + '1000' + '0506' + '07000000' + '04030201' + '6162636465' + '000000',
    );
  });

  it('are read one after the other, the last with or without its padding', () => {
    const datagram = Buffer.concat([
      encodeMessage(message(Buffer.from('a'))),
      encodeMessage(message(Buffer.from('bc'))),
    ]);
    const expected = { messages: [message(Buffer.from('a')), message(Buffer.from('bc'))] };
    assert.deepEqual(decodeMessages(datagram), expected);
    assert.deepEqual(decodeMessages(datagram.subarray(0, -2)), expected);
  });

  it('stand as they are before one whose header lies', () => {
    const liar = encodeMessage(message(Buffer.alloc(4)));
    liar.writeUInt32LE(200, 0);
    const { messages, fault } = decodeMessages(Buffer.concat([encodeMessage(message(Buffer.from('a'))), liar]));
    assert.deepEqual(messages, [message(Buffer.from('a'))]);
    assert.equal(fault, 'message at byte 20 claims 200 of 20 bytes');
  });

  it('never end the reading by a length below that of their header', () => {
    for (const length of [0, 4, 15]) {
      const liar = encodeMessage(message(Buffer.alloc(4)));
      liar.writeUInt32LE(length, 0);
      assert.match(decodeMessages(liar).fault ?? '', /claims/);
    }
  });

  it('are refused when cut off anywhere', () => {
    const whole = encodeMessage(message(Buffer.alloc(8)));
    for (let length = 1; length < whole.length; length++) {
      const { messages, fault } = decodeMessages(whole.subarray(0, length));
      assert.deepEqual(messages, []);
      assert.notEqual(fault, undefined);
    }
  });

  it('come back from any list of messages', () => {
    const anyMessage = fc.record(
      {
        type: fc.nat(0xffff),
        flags: fc.nat(0xffff),
        sequence: fc.nat(0xffffffff),
        portId: fc.nat(0xffffffff),
        body: fc.uint8Array({ maxLength: 50 }).map((bytes) => Buffer.from(bytes)),
      },
      { noNullPrototype: true },
    );
    fc.assert(
      fc.property(fc.array(anyMessage, { maxLength: 8 }), (messages) => {
        assert.deepEqual(decodeMessages(Buffer.concat(messages.map(encodeMessage))), { messages });
      }),
    );
  });

  it('are read from any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        const { messages, fault } = decodeMessages(Buffer.from(bytes));
        assert.ok(messages.length <= bytes.length / 16);
        if (fault === undefined) assert.ok(messages.length > 0 || bytes.length === 0);
      }),
    );
  });
});
