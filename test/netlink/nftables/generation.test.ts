import assert from 'node:assert/strict';
import { decodeGeneration } from '../../../src/netlink/nftables/generation.js';
import { hex } from './hex.js';
import { assertTotal, valueOf } from './total.js';

const NEWGEN = hex(`
  0800 0100 00000102               ; NFTA_GEN_ID
  0800 0200 00002072               ; NFTA_GEN_PROC_PID
  0800 0300 6e667400               ; NFTA_GEN_PROC_NAME "nft"
`);

describe('generations', () => {
  it('are read with who made them', () => {
    assert.deepEqual(valueOf(decodeGeneration(NEWGEN)), { id: 258, processId: 8306, processName: 'nft' });
  });

  it('are read without', () => {
    const alone = valueOf(decodeGeneration(NEWGEN.subarray(0, 8)));
    assert.deepEqual(alone, { id: 258, processId: undefined, processName: undefined });
  });

  it('decode whatever bytes come', () => {
    assertTotal(decodeGeneration, NEWGEN);
  });
});
