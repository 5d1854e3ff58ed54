import assert from 'node:assert/strict';
import { be64 } from '../../../src/netlink/attributes.js';
import { NFTA_RULE_HANDLE } from '../../../src/netlink/nftables/constants.js';
import { counter, immediateVerdict } from '../../../src/netlink/nftables/expressions/index.js';
import { decodeRule, encodeRule, encodeRuleRef, type RuleSpec } from '../../../src/netlink/nftables/rule.js';
import { hex } from './hex.js';
import { assertTotal, valueOf } from './total.js';

const rule: RuleSpec = {
  family: 'ip',
  table: 'outer_t',
  chain: 'input',
  expressions: [immediateVerdict({ kind: 'jump', chain: 'outer' })],
  comment: 'hello',
};

const ENCODED = hex(`
  0c00 0100 6f757465725f7400               ; NFTA_RULE_TABLE "outer_t"
  0a00 0200 696e707574000000               ; NFTA_RULE_CHAIN "input"
  4000 0480                                ; NFTA_RULE_EXPRESSIONS
    3c00 0180                              ;   NFTA_LIST_ELEM
      0e00 0100 696d6d656469617465000000   ;     NFTA_EXPR_NAME "immediate"
      2800 0280                            ;     NFTA_EXPR_DATA
        0800 0100 00000000                 ;       NFTA_IMMEDIATE_DREG NFT_REG_VERDICT
        1c00 0280                          ;       NFTA_IMMEDIATE_DATA
          1800 0280                        ;         NFTA_DATA_VERDICT
            0800 0100 fffffffd             ;           NFTA_VERDICT_CODE NFT_JUMP
            0a00 0200 6f75746572000000     ;           NFTA_VERDICT_CHAIN "outer"
  0c00 0700 000668656c6c6f00               ; NFTA_RULE_USERDATA { comment "hello" }
`);

const listed = (spec: RuleSpec): Buffer => Buffer.concat([...encodeRule(spec), be64(NFTA_RULE_HANDLE, 8n)]);

describe('rule messages', () => {
  it('are encoded as nft 1.0.6 does', () => {
    assert.deepEqual(Buffer.concat(encodeRule(rule)), ENCODED);
  });

  it('come back as they went', () => {
    const spec = { ...rule, expressions: [counter(), ...rule.expressions] };
    assert.deepEqual(valueOf(decodeRule('ip', listed(spec))), { ...spec, handle: 8n });
  });

  it('name a rule by its handle', () => {
    assert.deepEqual(
      Buffer.concat(encodeRuleRef({ family: 'ip', table: 't', chain: 'c', handle: 258n })),
      hex('0600 0100 74000000  0600 0200 63000000  0c00 0300 0000000000000102'),
    );
  });

  it('keep expressions that have no data', () => {
    const noData = Buffer.concat([
      hex('0600 0100 74000000  0600 0200 63000000  0c00 0300 0000000000000001'),
      hex('1800 0480  1400 0180  0d00 0100 6e6f747261636b00 00000000'),
    ]);
    const { expressions } = valueOf(decodeRule('ip', noData));
    assert.deepEqual(expressions, [{ name: 'notrack', data: Buffer.alloc(0) }]);
  });

  it('decode whatever bytes come', () => {
    assertTotal((bytes) => decodeRule('ip', bytes), listed(rule));
  });
});
