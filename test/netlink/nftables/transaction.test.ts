import assert from 'node:assert/strict';
import fc from 'fast-check';
import { be32, text } from '../../../src/netlink/attributes.js';
import {
  NFTA_GEN_ID,
  NFTA_GEN_PROC_NAME,
  NFTA_GEN_PROC_PID,
  NFTA_TABLE_NAME,
  NFT_MSG_DELRULE,
  NFT_MSG_DELTABLE,
  NFT_MSG_NEWGEN,
  NFT_MSG_NEWSETELEM,
} from '../../../src/netlink/nftables/constants.js';
import { encodeNftMessage, encodeUnspecific, type Family } from '../../../src/netlink/nftables/message.js';
import { TransactionReader, type Transaction } from '../../../src/netlink/nftables/transaction.js';
import { hex } from './hex.js';
import { assertTotal, valueOf } from './total.js';

interface Notice {
  type: number;
  body: Buffer;
}

const notice = (command: number, family: Family, table: string): Notice =>
  encodeNftMessage(command, 0, family, [text(NFTA_TABLE_NAME, table)]);

const newGeneration = (id: number): Notice => {
  const { type, body } = encodeUnspecific(NFT_MSG_NEWGEN, 0);
  const attributes = [be32(NFTA_GEN_ID, id), be32(NFTA_GEN_PROC_PID, 42), text(NFTA_GEN_PROC_NAME, 'nft')];
  return { type, body: Buffer.concat([body, ...attributes]) };
};

function read(reader: TransactionReader, notices: Notice[]): Transaction[] {
  const results = notices.map(({ type, body }) => valueOf(reader.take(type, body)));
  return results.filter((transaction) => transaction !== undefined);
}

describe('transactions', () => {
  it('name the tables touched, each once, with each way once', () => {
    const [transaction] = read(new TransactionReader(), [
      notice(NFT_MSG_DELRULE, 'ip', 'a'),
      notice(NFT_MSG_DELRULE, 'ip', 'a'),
      notice(NFT_MSG_DELTABLE, 'ip', 'a'),
      notice(NFT_MSG_NEWSETELEM, 'inet', 'a'),
      newGeneration(9),
    ]);
    assert.deepEqual(transaction, {
      generation: 9,
      processId: 42,
      processName: 'nft',
      tables: [
        { family: 'ip', name: 'a', what: new Set(['rule-removed', 'table-removed']) },
        { family: 'inet', name: 'a', what: new Set(['elements-added']) },
      ],
    });
  });

  it('do not mix with the next one', () => {
    const transactions = read(new TransactionReader(), [
      notice(NFT_MSG_DELTABLE, 'ip', 'a'),
      newGeneration(1),
      notice(NFT_MSG_DELTABLE, 'ip', 'b'),
      newGeneration(2),
    ]);
    assert.deepEqual(
      transactions.map(({ generation, tables }) => [generation, tables.map(({ name }) => name)]),
      [
        [1, ['a']],
        [2, ['b']],
      ],
    );
  });

  it('without their beginning are forgotten at a reset', () => {
    const reader = new TransactionReader();
    read(reader, [notice(NFT_MSG_DELTABLE, 'ip', 'a')]);
    reader.reset();
    assert.deepEqual(read(reader, [newGeneration(3)])[0]?.tables, []);
  });

  it('pass over notices of other kinds and subsystems', () => {
    const [transaction] = read(new TransactionReader(), [
      notice(200, 'ip', 'a'),
      { type: 0x0302, body: notice(NFT_MSG_DELTABLE, 'ip', 'a').body },
      newGeneration(4),
    ]);
    assert.deepEqual(transaction?.tables, []);
  });

  it('have a fault where a notice names no table, and go on', () => {
    const reader = new TransactionReader();
    assert.deepEqual(reader.take(0x0a02, hex('02 00 0000')), { ok: false, fault: 'a notice that names no table' });
    assert.equal(read(reader, [newGeneration(5)]).length, 1);
  });

  it('decode whatever bytes come', () => {
    const reader = new TransactionReader();
    const { type, body } = newGeneration(1);
    assertTotal((bytes) => reader.take(type, bytes), body);
    const removal = notice(NFT_MSG_DELTABLE, 'ip', 'a');
    assertTotal((bytes) => reader.take(removal.type, bytes), removal.body);
    fc.assert(
      fc.property(fc.nat(0xffff), fc.uint8Array(), (anyType, bytes) => {
        const result = reader.take(anyType, Buffer.from(bytes));
        return result.ok || result.fault.length > 0;
      }),
    );
  });
});
