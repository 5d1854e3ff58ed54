import assert from 'node:assert/strict';
import fc from 'fast-check';
import { compares, equals, within } from '../../../src/doctor/firewall/compare.js';
import { known, unknown } from '../../../src/doctor/firewall/packet.js';
import { Registers } from '../../../src/doctor/firewall/registers.js';
import {
  NFT_CMP_GTE,
  NFT_CMP_LT,
  NFT_CMP_NEQ,
  NFT_REG32_01,
  NFT_REG_1,
  NFT_REG_2,
} from '../../../src/netlink/nftables/index.js';

const HALF = [...known([1]), ...unknown(1, 'the rest')];

describe('a comparison with bytes of which some are not known', () => {
  it('is decided by one byte that differs', () => {
    assert.equal(equals(HALF, Buffer.of(2, 9)), 'no');
    assert.equal(compares(HALF, NFT_CMP_NEQ, Buffer.of(2, 9)), 'yes');
  });

  it('is open where what is known agrees', () => {
    assert.equal(equals(HALF, Buffer.of(1, 9)), 'maybe');
    assert.equal(compares(HALF, NFT_CMP_LT, Buffer.of(0, 9)), 'maybe');
    assert.equal(within(HALF, Buffer.of(0, 0), Buffer.of(9, 9)), 'maybe');
  });

  it('is arithmetic where all is known', () => {
    const number = fc.integer({ min: 0, max: 0xffff });
    const bytes = (value: number): Buffer => Buffer.of(value >> 8, value & 0xff);
    fc.assert(
      fc.property(number, number, number, (value, from, to) => {
        assert.equal(compares(known(bytes(value)), NFT_CMP_GTE, bytes(from)), value >= from ? 'yes' : 'no');
        assert.equal(within(known(bytes(value)), bytes(from), bytes(to)), value >= from && value <= to ? 'yes' : 'no');
      }),
    );
  });

  it('is open with another length, and by another operator', () => {
    assert.equal(equals(known([1]), Buffer.of(1, 2)), 'maybe');
    assert.equal(compares(known([1]), 99, Buffer.of(1)), 'maybe');
  });
});

describe('registers', () => {
  it('are one memory under two kinds of names', () => {
    const registers = new Registers();
    registers.store(NFT_REG_1, known([1, 2, 3, 4, 5]));
    assert.deepEqual(registers.load(NFT_REG32_01, 4), known([5, 0, 0, 0]));
  });

  it('hold nothing known where nothing was loaded, and lose all when told to', () => {
    const registers = new Registers();
    assert.ok(registers.load(NFT_REG_2, 16).every((byte) => 'unknown' in byte));
    registers.store(NFT_REG_2, known([1]));
    registers.forget('whatever');
    assert.deepEqual(registers.load(NFT_REG_2, 1), unknown(1, 'whatever'));
  });

  it('take and give any number of bytes under any name', () => {
    fc.assert(
      fc.property(fc.integer(), fc.uint8Array({ maxLength: 200 }), fc.integer(), (register, bytes, length) => {
        const registers = new Registers();
        registers.store(register, known(bytes));
        assert.ok(registers.load(register, length).length <= 64);
      }),
    );
  });
});
