import assert from 'node:assert/strict';
import fc from 'fast-check';
import { decodeAcknowledgement } from '../../src/netlink/acknowledgement.js';
import { NLM_F_ACK_TLVS, NLM_F_CAPPED, NLMSG_DONE, NLMSG_ERROR } from '../../src/netlink/constants.js';
import type { NetlinkMessage } from '../../src/netlink/message.js';

const message = (type: number, flags: number, hexBody: string): NetlinkMessage => ({
  type,
  flags,
  sequence: 1,
  portId: 1,
  body: Buffer.from(hexBody, 'hex'),
});

const REQUEST_HEADER = '18000000' + '1000' + '0500' + '01000000' + '00000000';
const MESSAGE_TLV = '0f00' + '0100' + Buffer.from('no such ya\0').toString('hex') + '00';
const OFFSET_TLV = '0800' + '0200' + '3c000000';

describe('acknowledgements', () => {
  it('say success by zero', () => {
    const body = '00000000' + REQUEST_HEADER;
    assert.deepEqual(decodeAcknowledgement(message(NLMSG_ERROR, NLM_F_CAPPED, body)), { errno: 0 });
  });

  it('say failure by a negative number, in words, and by the place of the fault', () => {
    const body = 'efffffff' + REQUEST_HEADER + MESSAGE_TLV + OFFSET_TLV;
    assert.deepEqual(decodeAcknowledgement(message(NLMSG_ERROR, NLM_F_CAPPED | NLM_F_ACK_TLVS, body)), {
      errno: 17,
      kernelMessage: 'no such ya',
      attributeOffset: 60,
    });
  });

  it('have their attributes behind the repeated request where it is not left out', () => {
    const body = 'efffffff' + REQUEST_HEADER + 'aaaaaaaaaaaaaaaa' + OFFSET_TLV;
    assert.deepEqual(decodeAcknowledgement(message(NLMSG_ERROR, NLM_F_ACK_TLVS, body)), {
      errno: 17,
      attributeOffset: 60,
    });
  });

  it('are read at the end of a dump', () => {
    assert.deepEqual(decodeAcknowledgement(message(NLMSG_DONE, 2, '00000000')), { errno: 0 });
    assert.deepEqual(decodeAcknowledgement(message(NLMSG_DONE, 2 | NLM_F_ACK_TLVS, 'eaffffff' + MESSAGE_TLV)), {
      errno: 22,
      kernelMessage: 'no such ya',
    });
  });

  it('are undefined when cut off, and keep their number when their attributes are faulty', () => {
    assert.equal(decodeAcknowledgement(message(NLMSG_ERROR, 0, '00000000' + REQUEST_HEADER.slice(2))), undefined);
    assert.equal(decodeAcknowledgement(message(NLMSG_DONE, 0, '000000')), undefined);
    const body = 'efffffff' + REQUEST_HEADER + 'ff000100';
    assert.deepEqual(decodeAcknowledgement(message(NLMSG_ERROR, NLM_F_CAPPED | NLM_F_ACK_TLVS, body)), { errno: 17 });
  });

  it('are read from any bytes', () => {
    const types = fc.constantFrom(NLMSG_ERROR, NLMSG_DONE);
    fc.assert(
      fc.property(types, fc.nat(0xffff), fc.uint8Array({ maxLength: 120 }), (type, flags, bytes) => {
        const body = Buffer.from(bytes);
        const read = decodeAcknowledgement({ type, flags, sequence: 0, portId: 0, body });
        assert.equal(read === undefined, body.length < (type === NLMSG_ERROR ? 20 : 4));
        assert.ok(read === undefined || read.errno >= 0);
      }),
    );
  });
});
