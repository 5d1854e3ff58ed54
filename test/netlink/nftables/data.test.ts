import assert from 'node:assert/strict';
import fc from 'fast-check';
import { decodeData, encodeData, type Data } from '../../../src/netlink/nftables/data.js';
import { hex } from './hex.js';
import { assertTotal, valueOf } from './total.js';

const chainName = fc.stringMatching(/^[a-z_]{1,20}$/);
const anyData: fc.Arbitrary<Data> = fc.oneof(
  fc.uint8Array({ maxLength: 64 }).map((bytes) => Buffer.from(bytes)),
  fc.record({ kind: fc.constantFrom('accept', 'drop', 'continue', 'return') }, { noNullPrototype: true }),
  fc.record({ kind: fc.constantFrom('jump', 'goto'), chain: chainName }, { noNullPrototype: true }),
);

const JUMP_OUTER = hex(`
  1c00 0280           ; NFTA_SET_ELEM_DATA, nested
    1800 0280         ;   NFTA_DATA_VERDICT, nested
      0800 0100 fffffffd                    ; NFTA_VERDICT_CODE = NFT_JUMP
      0a00 0200 6f757465720000 00           ; NFTA_VERDICT_CHAIN "outer"
`);

describe('data of registers and maps', () => {
  it('encode a value', () => {
    assert.deepEqual(encodeData(2, hex('ac1d0001')), hex('0c00 0280  0800 0100 ac1d0001'));
  });

  it('encode a jump', () => {
    assert.deepEqual(encodeData(2, { kind: 'jump', chain: 'outer' }), JUMP_OUTER);
  });

  it('encode each verdict by its number', () => {
    const code = (data: Data): number => encodeData(2, data).readInt32BE(12);
    assert.equal(code({ kind: 'drop' }), 0);
    assert.equal(code({ kind: 'accept' }), 1);
    assert.equal(code({ kind: 'continue' }), -1);
    assert.equal(code({ kind: 'jump', chain: 'x' }), -3);
    assert.equal(code({ kind: 'goto', chain: 'x' }), -4);
    assert.equal(code({ kind: 'return' }), -5);
  });

  it('come back as they went', () => {
    fc.assert(
      fc.property(anyData, (data) => {
        assert.deepEqual(valueOf(decodeData(encodeData(2, data).subarray(4))), data);
      }),
    );
  });

  it('that are neither value nor known verdict are a fault', () => {
    assert.deepEqual(decodeData(Buffer.alloc(0)), { ok: false, fault: 'data that are neither value nor verdict' });
    const queueVerdict = hex('0c00 0280  0800 0100 00010003');
    assert.equal(decodeData(queueVerdict).ok, false);
    const jumpNowhere = hex('0c00 0280  0800 0100 fffffffd');
    assert.equal(decodeData(jumpNowhere).ok, false);
  });

  it('decode whatever bytes come', () => {
    assertTotal(decodeData, JUMP_OUTER.subarray(4));
  });
});
