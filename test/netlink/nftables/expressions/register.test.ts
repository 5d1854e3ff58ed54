import assert from 'node:assert/strict';
import { NFT_REG32_00, NFT_REG32_01, NFT_REG32_04, NFT_REG_4 } from '../../../../src/netlink/nftables/constants.js';
import { register } from '../../../../src/netlink/nftables/expressions/register.js';
import { hex } from '../hex.js';

describe('registers', () => {
  it('are named as the kernel lists them', () => {
    assert.deepEqual(register(1, NFT_REG32_00), hex('0800 0100 00000001'));
    assert.deepEqual(register(1, NFT_REG32_01), hex('0800 0100 00000009'));
    assert.deepEqual(register(1, NFT_REG32_04), hex('0800 0100 00000002'));
    assert.deepEqual(register(1, NFT_REG_4), hex('0800 0100 00000004'));
    assert.deepEqual(register(1, 0), hex('0800 0100 00000000'));
  });
});
