import assert from 'node:assert/strict';
import { be64 } from '../../../src/netlink/attributes.js';
import { decodeChain, encodeChain, type ChainSpec } from '../../../src/netlink/nftables/chain.js';
import { NFTA_CHAIN_HANDLE } from '../../../src/netlink/nftables/constants.js';
import { hex } from './hex.js';
import { assertTotal, valueOf } from './total.js';

const INPUT: ChainSpec = {
  family: 'ip',
  table: 'outer_t',
  name: 'input',
  base: { type: 'filter', hook: 'input', priority: 30, policy: 'accept' },
};

const ENCODED = hex(`
  0c00 0100 6f757465725f7400       ; NFTA_CHAIN_TABLE "outer_t"
  0a00 0300 696e707574000000       ; NFTA_CHAIN_NAME "input"
  0b00 0700 66696c7465720000       ; NFTA_CHAIN_TYPE "filter"
  0800 0500 00000001               ; NFTA_CHAIN_POLICY NF_ACCEPT
  1400 0480                        ; NFTA_CHAIN_HOOK, nested
    0800 0100 00000001             ;   NFTA_HOOK_HOOKNUM NF_INET_LOCAL_IN
    0800 0200 0000001e             ;   NFTA_HOOK_PRIORITY 30
`);

const listed = (chain: ChainSpec): Buffer => Buffer.concat([...encodeChain(chain), be64(NFTA_CHAIN_HANDLE, 5n)]);

describe('chain messages', () => {
  it('of base chains are encoded as nft 1.0.6 does', () => {
    assert.deepEqual(Buffer.concat(encodeChain(INPUT)), ENCODED);
  });

  it('of regular chains carry table and name', () => {
    const encoded = Buffer.concat(encodeChain({ family: 'ip', table: 'outer_t', name: 'last' }));
    assert.deepEqual(encoded, hex('0c00 0100 6f757465725f7400  0900 0300 6c61737400000000'));
  });

  it('come back as they went, with negative priorities, devices and comments', () => {
    const chains: ChainSpec[] = [
      INPUT,
      { ...INPUT, base: { type: 'route', hook: 'output', priority: -300, policy: 'drop' }, comment: 'first' },
      {
        ...INPUT,
        family: 'netdev',
        base: { type: 'filter', hook: 'egress', priority: 0, policy: 'accept', device: 'lo' },
      },
      { ...INPUT, family: 'inet', base: { type: 'nat', hook: 'postrouting', priority: 100, policy: 'accept' } },
    ];
    for (const chain of chains) {
      const expected = { comment: undefined, ...chain, handle: 5n };
      assert.deepEqual(valueOf(decodeChain(chain.family, listed(chain))), expected);
    }
    const regular: ChainSpec = { family: 'ip6', table: 't', name: 'c' };
    assert.equal(valueOf(decodeChain('ip6', listed(regular))).base, undefined);
  });

  it('cannot name a hook that the family lacks', () => {
    assert.throws(() => encodeChain({ ...INPUT, family: 'netdev' }), /family netdev has no hook input/);
  });

  it('at an unknown hook are a fault', () => {
    const forged = listed(INPUT);
    forged.writeUInt32BE(9, forged.indexOf(hex('0800 0100 00000001')) + 4);
    assert.deepEqual(decodeChain('ip', forged), { ok: false, fault: 'a base chain at an unknown hook of family ip' });
  });

  it('decode whatever bytes come', () => {
    assertTotal((bytes) => decodeChain('ip', bytes), listed({ ...INPUT, comment: 'x' }));
  });
});
