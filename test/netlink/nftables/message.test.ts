import assert from 'node:assert/strict';
import fc from 'fast-check';
import { NLM_F_CREATE } from '../../../src/netlink/constants.js';
import { NFT_MSG_NEWTABLE } from '../../../src/netlink/nftables/constants.js';
import {
  decodeNftMessage,
  encodeBatchBegin,
  encodeBatchEnd,
  encodeNftMessage,
  type Family,
} from '../../../src/netlink/nftables/message.js';
import { hex } from './hex.js';
import { assertTotal, valueOf } from './total.js';

describe('nf_tables message frames', () => {
  it('open a batch with the subsystem in res_id', () => {
    assert.deepEqual(encodeBatchBegin(), { type: 0x10, flags: 0, body: hex('00 00 000a') });
  });

  it('open a batch that insists on a generation', () => {
    const { body } = encodeBatchBegin(0x01020304);
    assert.deepEqual(body, hex('00 00 000a  0800 0100 01020304 ; NFNL_BATCH_GENID'));
  });

  it('close a batch like they open it', () => {
    assert.deepEqual(encodeBatchEnd(), { type: 0x11, flags: 0, body: hex('00 00 000a') });
  });

  it('carry subsystem, command and family', () => {
    const message = encodeNftMessage(NFT_MSG_NEWTABLE, NLM_F_CREATE, 'netdev', [hex('0500 0100 61000000')]);
    assert.deepEqual(message, { type: 0x0a00, flags: 0x400, body: hex('05 00 0000  0500 0100 61000000') });
  });

  it('come back as they went', () => {
    const families: Family[] = ['inet', 'ip', 'arp', 'netdev', 'bridge', 'ip6'];
    fc.assert(
      fc.property(fc.nat(255), fc.constantFrom(...families), fc.uint8Array(), (command, family, bytes) => {
        const attributes = Buffer.from(bytes);
        const { type, body } = encodeNftMessage(command, 0, family, [attributes]);
        assert.deepEqual(valueOf(decodeNftMessage(type, body)), { command, family, attributes });
      }),
    );
  });

  it('of other subsystems have no command, and unknown families no name', () => {
    const { command, family } = valueOf(decodeNftMessage(0x0300, hex('ff 00 0000')));
    assert.deepEqual([command, family], [undefined, undefined]);
  });

  it('decode whatever bytes come', () => {
    assertTotal((bytes) => decodeNftMessage(0x0a00, bytes), hex('02 00 0000'));
  });
});
