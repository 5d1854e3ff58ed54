import assert from 'node:assert/strict';
import fc from 'fast-check';
import { be32 } from '../../../../src/netlink/attributes.js';
import { NFT_REG_1 } from '../../../../src/netlink/nftables/constants.js';
import {
  NFTA_LOOKUP_FLAGS,
  cmp,
  counter,
  immediateVerdict,
  lookup,
  sameExpressions,
  type Expression,
} from '../../../../src/netlink/nftables/expressions/index.js';
import { hex } from '../hex.js';

const port = (bytes: string): Expression => cmp({ sreg: NFT_REG_1, op: 0, data: hex(bytes) });
const drop = immediateVerdict({ kind: 'drop' });
const listedDrop = { name: 'immediate', data: hex('0800 0100 00000000  1000 0200  0c00 0200  0800 0100 00000000') };

describe('comparison of wanted and listed expressions', () => {
  it('finds equal ones equal, counters aside', () => {
    const wanted = [port('2710'), counter(), drop];
    assert.ok(sameExpressions(wanted, [port('2710'), counter({ packets: 9n, bytes: 900n }), drop]));
  });

  it('does not mind that the kernel leaves out the nested flag', () => {
    assert.ok(sameExpressions([drop], [listedDrop]));
  });

  it('does not mind another order', () => {
    const listed = { name: 'cmp', data: hex('0c00 0300 0600 0100 27100000  0800 0200 00000000  0800 0100 00000001') };
    assert.ok(sameExpressions([port('2710')], [listed]));
  });

  it('sees other values, kinds, counts and order of expressions', () => {
    assert.ok(!sameExpressions([port('2710')], [port('2711')]));
    assert.ok(!sameExpressions([port('2710')], [{ ...port('2710'), name: 'range' }]));
    assert.ok(!sameExpressions([port('2710'), drop], [port('2710')]));
    assert.ok(!sameExpressions([port('2710'), drop], [drop, port('2710')]));
    assert.ok(!sameExpressions([drop], [immediateVerdict({ kind: 'accept' })]));
  });

  it('sees attributes that are missing, or added with a meaning', () => {
    const wanted = { name: 'lookup', data: hex('0600 0100 73000000  0800 0200 00000001') };
    const listed = lookup({ set: 's', sreg: NFT_REG_1 });
    assert.ok(sameExpressions([wanted], [listed]), 'zero flags added');
    assert.ok(!sameExpressions([wanted], [lookup({ set: 's', sreg: NFT_REG_1, inverted: true })]));
    assert.ok(
      !sameExpressions([{ ...wanted, data: Buffer.concat([wanted.data, be32(NFTA_LOOKUP_FLAGS, 1)]) }], [wanted]),
    );
  });

  it('takes any listed bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
        const listed = [{ name: 'immediate', data: Buffer.from(bytes) }];
        return typeof sameExpressions([drop], listed) === 'boolean';
      }),
    );
  });
});
