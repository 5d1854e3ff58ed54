import assert from 'node:assert/strict';
import { text, u16 } from '../../../src/netlink/attributes.js';
import { NETLINK_GENERIC } from '../../../src/netlink/constants.js';
import { decodeFamilyId, encodeGeneric, findFamily } from '../../../src/netlink/genl/family.js';
import { NetlinkSocket } from '../../../src/netlink/socket.js';

describe('generic netlink families', () => {
  it('are asked for by name', () => {
    assert.equal(encodeGeneric(3, 1, [text(2, 'fou')]).toString('hex'), '03010000' + ('0800' + '0200' + '666f7500'));
  });

  it('are named by a number in the answer', () => {
    assert.equal(decodeFamilyId(encodeGeneric(1, 2, [u16(1, 29)])), 29);
    assert.equal(decodeFamilyId(Buffer.alloc(2)), undefined);
  });

  it('of the running kernel are found, others are undefined', async () => {
    const socket = NetlinkSocket.open(NETLINK_GENERIC);
    try {
      assert.equal(await findFamily(socket, 'nlctrl'), 16);
      assert.equal(await findFamily(socket, 'no-such-thing'), undefined);
    } finally {
      socket.close();
    }
  });
});
