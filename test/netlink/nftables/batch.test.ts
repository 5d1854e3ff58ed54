import assert from 'node:assert/strict';
import { NLM_F_APPEND, NLM_F_CREATE } from '../../../src/netlink/constants.js';
import { Batch } from '../../../src/netlink/nftables/batch.js';
import { encodeFields } from '../../../src/netlink/nftables/data-type.js';
import { encodeElements } from '../../../src/netlink/nftables/element.js';
import { immediateVerdict } from '../../../src/netlink/nftables/expressions/index.js';
import type { SetSpec } from '../../../src/netlink/nftables/set.js';
import { hex } from './hex.js';

const table = { family: 'ip', name: 't' } as const;
const chain = { family: 'ip', table: 't', name: 'c' } as const;
const set: SetSpec = { family: 'ip', table: 't', name: 's', key: ['ipv4_addr', 'inet_service'] };
const rule = { family: 'ip', table: 't', chain: 'c', expressions: [immediateVerdict({ kind: 'drop' })] } as const;
const endpoint = (port: number): { key: Buffer } => ({ key: encodeFields(set.key, ['192.0.2.1', port]) });

const commands = (batch: Batch): number[] => batch.encode().messages.map(({ type }) => type & 0xff);
const names = (batch: Batch): string[] => batch.encode().subjects.map(({ op, object }) => `${op} ${object}`);

describe('a batch', () => {
  it('is framed by BEGIN and END, and can insist on a generation', () => {
    const { messages } = new Batch().addTable(table).encode(7);
    assert.deepEqual(
      messages.map(({ type }) => type),
      [0x10, 0x0a00, 0x11],
    );
    assert.deepEqual(messages[0]!.body, hex('00 00 000a  0800 0100 00000007'));
  });

  it('keeps its changes in the order asked for', () => {
    const batch = new Batch()
      .addTable(table)
      .addChain(chain)
      .addSet(set)
      .addElements(set, [endpoint(1)])
      .addRule(rule);
    assert.deepEqual(commands(batch), [0x10, 0, 3, 9, 12, 6, 0x11]);
    assert.equal(batch.length, 5);
  });

  it('can be added to after it was encoded', () => {
    const batch = new Batch().addTable(table);
    const before = batch.encode();
    batch.deleteTable(table);
    assert.equal(before.messages.length, 3);
    assert.equal(batch.encode().messages.length, 4);
  });

  it('replaces a table by making sure it is there, deleting it and making it', () => {
    assert.deepEqual(commands(new Batch().replaceTable({ ...table, comment: 'x' })), [0x10, 0, 2, 0, 0x11]);
  });

  it('deletes and flushes', () => {
    const batch = new Batch()
      .deleteRule({ ...rule, handle: 4n })
      .flushChain(chain)
      .deleteChain(chain)
      .flushSet(set)
      .deleteElements(set, [endpoint(1)])
      .deleteSet(set)
      .deleteTable(table);
    assert.deepEqual(commands(batch).slice(1, -1), [8, 8, 5, 14, 14, 11, 2]);
    assert.ok(batch.encode().messages.every(({ flags }) => flags === 0));
  });

  it('puts elements by adding, deleting and adding', () => {
    const batch = new Batch().putElements(set, [{ ...endpoint(1), timeoutMs: 5 }]);
    assert.deepEqual(commands(batch).slice(1, -1), [12, 14, 12]);
    const deletion = batch.encode().messages[2]!.body;
    assert.deepEqual(deletion.subarray(4), Buffer.concat(encodeElements(set, [endpoint(1)])[0]!.attributes));
  });

  it('deletes elements by their keys alone', () => {
    const withComment = { ...endpoint(1), comment: 'x' };
    const [, message] = new Batch().deleteElements(set, [withComment]).encode().messages;
    assert.deepEqual(message!.body.subarray(4), Buffer.concat(encodeElements(set, [endpoint(1)])[0]!.attributes));
  });

  it('creates, and appends rules', () => {
    const { messages } = new Batch().addTable(table).addChain(chain).addSet(set).addRule(rule).encode();
    const flags = messages.slice(1, -1).map((message) => message.flags);
    assert.deepEqual(flags, [NLM_F_CREATE, NLM_F_CREATE, NLM_F_CREATE, NLM_F_CREATE | NLM_F_APPEND]);
  });

  it('gives each of its sets an id of its own', () => {
    const { messages } = new Batch()
      .addSet(set)
      .addSet({ ...set, name: 's2' })
      .encode();
    const ids = messages.slice(1, -1).map(({ body }) => body.readUInt32BE(body.indexOf(hex('0800 0a00')) + 4));
    assert.deepEqual(ids, [1, 2]);
  });

  it('names what each message is about', () => {
    const batch = new Batch()
      .addTable(table)
      .addChain(chain)
      .addSet(set)
      .addElements(set, [endpoint(1)])
      .addElements(set, [endpoint(1), endpoint(2)])
      .addRule({ ...rule, comment: 'last word' })
      .addRule(rule)
      .deleteRule({ ...rule, handle: 4n })
      .addElements({ family: 'ip', table: 't', name: 's' }, [{ key: hex('0102') }]);
    assert.deepEqual(names(batch), [
      'commit the batch',
      'add table ip t',
      'add chain ip t c',
      'add set ip t s',
      'add element 192.0.2.1 . 1 of set ip t s',
      'add one of 2 elements of set ip t s',
      'add rule 1 ("last word") to chain ip t c',
      'add rule 2 to chain ip t c',
      'delete rule with handle 4 of chain ip t c',
      'add element 0x0102 of set ip t s',
      'commit the batch',
    ]);
  });

  it('names the element that an error points at, also in later messages of a long list', () => {
    const ports = Array.from({ length: 3000 }, (_, index) => endpoint(index));
    const { messages, subjects } = new Batch().addElements(set, ports).encode();
    const wanted = endpoint(2500);
    const holder = messages.findIndex(({ body }) => body.includes(wanted.key));
    assert.ok(holder > 1, 'the list takes several messages');
    // From the nlmsghdr; the value stands behind the headers of element, key and value.
    const offset = 16 + messages[holder]!.body.indexOf(wanted.key) - 12;
    assert.equal(subjects[holder]!.locate!(offset), 'element 192.0.2.1 . 2500 of set ip t s');
    assert.equal(subjects[holder]!.locate!(offset + 5), 'element 192.0.2.1 . 2500 of set ip t s');
    assert.equal(subjects[holder]!.locate!(20), undefined);
  });
});
