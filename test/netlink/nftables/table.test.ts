import assert from 'node:assert/strict';
import { decodeTable, encodeTable } from '../../../src/netlink/nftables/table.js';
import { hex } from './hex.js';
import { assertTotal, valueOf } from './total.js';

const ENCODED = hex(`
  0c00 0100 6f757465725f7400       ; NFTA_TABLE_NAME "outer_t"
  0800 0200 00000000               ; NFTA_TABLE_FLAGS
  0b00 0600 00056f7572730000       ; NFTA_TABLE_USERDATA { comment "ours" }
`);

const LISTED = hex(`
  0c00 0100 6f757465725f7400
  0800 0200 00000000
  0800 0300 00000003               ; NFTA_TABLE_USE
  0c00 0400 0000000000000011       ; NFTA_TABLE_HANDLE
  0b00 0600 00056f7572730000
`);

describe('table messages', () => {
  it('are encoded as nft 1.0.6 does', () => {
    assert.deepEqual(Buffer.concat(encodeTable({ family: 'ip', name: 'outer_t', comment: 'ours' })), ENCODED);
  });

  it('are read as the kernel lists them', () => {
    assert.deepEqual(valueOf(decodeTable('ip', LISTED)), {
      family: 'ip',
      name: 'outer_t',
      handle: 17n,
      flags: 0,
      useCount: 3,
      comment: 'ours',
    });
  });

  it('without a handle are a fault', () => {
    assert.deepEqual(decodeTable('ip', ENCODED), { ok: false, fault: 'a table without name or handle' });
  });

  it('decode whatever bytes come', () => {
    assertTotal((bytes) => decodeTable('ip', bytes), LISTED);
  });
});
