/** What the kernel makes of batches: all or nothing, with names for what it refuses. */
import assert from 'node:assert/strict';
import { KernelError } from '../../../src/netlink/errors.js';
import {
  Batch,
  BatchTooLargeError,
  NftablesClient,
  NF_IP_PRI_FILTER,
  counter,
  decodeCounter,
  encodeFields,
  immediateVerdict,
  type ElementSpec,
  type SetSpec,
} from '../../../src/netlink/nftables/index.js';
import { describeInNamespace } from '../../support/namespace.js';
import { valueOf } from './total.js';

const table = { family: 'ip', name: 't' } as const;
const inTable = { family: 'ip', table: 't' } as const;
const peers = {
  ...inTable,
  name: 'peers',
  key: ['ipv4_addr', 'inet_service'],
  data: ['ipv4_addr'],
  timeouts: true,
} as const satisfies SetSpec;

const peer = (port: number, address = '172.29.0.1'): ElementSpec => ({
  key: encodeFields(peers.key, ['192.0.2.1', port]),
  data: encodeFields(peers.data, [address]),
});

async function refusal(promise: Promise<unknown>): Promise<KernelError> {
  const error: unknown = await promise.then(
    () => assert.fail('the kernel took it'),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof KernelError, String(error));
  return error;
}

describeInNamespace('a batch in the kernel', (namespace) => {
  let client: NftablesClient;

  before(() => {
    client = namespace().inside(() => NftablesClient.open());
  });
  beforeEach(async () => {
    await client.commit(new Batch().replaceTable(table).addSet(peers));
  });
  after(() => {
    client.close();
  });

  it('of which two changes are refused commits nothing and names both', async () => {
    const error = await refusal(
      client.commit(
        new Batch()
          .addChain({ ...inTable, name: 'c' })
          .deleteElements(peers, [peer(1)])
          .addSet({ ...peers, name: 'other' })
          .deleteSet({ ...inTable, name: 'absent' })
          .addElements(peers, [peer(2)]),
      ),
    );
    assert.equal(
      error.message,
      'cannot delete element 192.0.2.1 . 1 of set ip t peers: No such file or directory (ENOENT)',
    );
    assert.equal(error.messageIndex, 2);
    assert.deepEqual(
      error.others.map(({ message }) => message),
      ['cannot delete set ip t absent: No such file or directory (ENOENT)'],
    );
    assert.deepEqual(await client.chains('ip', 't'), []);
    assert.deepEqual(await client.elements(peers), []);
    assert.equal((await client.sets('ip', 't')).length, 1);
  });

  it('names the rule that is refused', async () => {
    const chain = { ...inTable, chain: 'c' };
    const nowhere = immediateVerdict({ kind: 'jump', chain: 'absent' });
    const error = await refusal(
      client.commit(
        new Batch()
          .addChain({ ...inTable, name: 'c' })
          .addRule({ ...chain, expressions: [counter()] })
          .addRule({ ...chain, expressions: [nowhere], comment: 'leads nowhere' }),
      ),
    );
    assert.match(error.message, /^cannot add rule 2 \("leads nowhere"\) to chain ip t c: .*\(ENOENT\)$/);
  });

  it('names the element among many that is refused, where the kernel points at it', async () => {
    await client.commit(new Batch().addElements(peers, [peer(40)]));
    const many = Array.from({ length: 100 }, (_, index) => peer(index, '172.29.0.2'));
    const error = await refusal(client.commit(new Batch().addElements(peers, many)));
    const expected =
      error.attributeOffset === undefined
        ? 'one of 100 elements of set ip t peers'
        : 'element 192.0.2.1 . 40 of set ip t peers';
    assert.deepEqual([error.object, error.code], [expected, 'EEXIST']);
  });

  it('that insists on a generation is refused once the ruleset has moved on, without waiting', async () => {
    const generation = await client.generation();
    await client.commit(new Batch().addElements(peers, [peer(1)]), { generation });
    assert.equal(await client.generation(), generation + 1);
    const stale = client.commit(new Batch().addElements(peers, [peer(2)]), { generation });
    const error = await refusal(stale);
    assert.deepEqual([error.code, error.object], ['ERESTART', 'the batch']);
    assert.equal((await client.elements(peers)).length, 1);
  });

  it('puts elements that are there already, with a new timeout', async () => {
    const put = async (timeoutMs: number): Promise<number | undefined> => {
      await client.commit(new Batch().putElements(peers, [{ ...peer(1), timeoutMs }]));
      const [element, ...others] = await client.elements(peers);
      assert.equal(others.length, 0);
      assert.equal(element?.timeoutMs, timeoutMs);
      return element.expirationMs;
    };
    assert.ok((await put(600_000))! > 599_000);
    assert.ok((await put(60_000))! <= 60_000);
    assert.ok((await put(3_600_000))! > 3_599_000);
  });

  it('gives an element other data by deleting and adding it', async () => {
    await client.commit(new Batch().addElements(peers, [peer(1)]));
    const moved = peer(1, '172.29.0.9');
    assert.equal((await refusal(client.commit(new Batch().putElements(peers, [moved])))).code, 'EEXIST');
    await client.commit(new Batch().deleteElements(peers, [moved]).addElements(peers, [moved]));
    assert.deepEqual((await client.elements(peers))[0]?.data, moved.data);
  });

  it('takes and lists 20000 elements in one piece, and flushes them', async () => {
    const all = Array.from({ length: 20_000 }, (_, index) => peer(index));
    await client.commit(new Batch().addElements(peers, all));
    const listed = await client.elements(peers);
    const ports = new Set(listed.map(({ key }) => key.readUInt16BE(4)));
    assert.deepEqual([listed.length, ports.size], [20_000, 20_000]);
    await client.commit(new Batch().flushSet(peers));
    assert.deepEqual(await client.elements(peers), []);
  });

  it('that is larger than the send buffer is refused by name and changes nothing', async () => {
    const small = namespace().inside(() => NftablesClient.open({ sendBufferBytes: 32_768 }));
    try {
      const all = Array.from({ length: 5000 }, (_, index) => peer(index));
      await assert.rejects(small.commit(new Batch().addElements(peers, all)), (error) => {
        assert.ok(error instanceof BatchTooLargeError);
        assert.ok(error.bytes > 5000 * 32);
        return true;
      });
      assert.deepEqual(await small.elements(peers), []);
      await small.commit(new Batch().addElements(peers, [peer(1)]));
    } finally {
      small.close();
    }
  });

  it('without changes is nothing at all', async () => {
    const generation = await client.generation();
    await client.commit(new Batch());
    assert.equal(await client.generation(), generation);
  });

  it('deletes single rules and flushes chains', async () => {
    const chain = { ...inTable, name: 'c' };
    const base = { type: 'filter', hook: 'input', priority: NF_IP_PRI_FILTER, policy: 'accept' } as const;
    const rule = { ...inTable, chain: 'c' };
    await client.commit(
      new Batch()
        .addChain({ ...chain, base })
        .addRule({ ...rule, expressions: [counter({ packets: 5n, bytes: 500n })], comment: 'one' })
        .addRule({ ...rule, expressions: [counter()], comment: 'two' })
        .addRule({ ...rule, expressions: [counter()], comment: 'three' }),
    );
    const [one, two] = await client.rules('ip', 't');
    assert.deepEqual(valueOf(decodeCounter(one!.expressions[0]!)), { packets: 5n, bytes: 500n });
    await client.commit(new Batch().deleteRule(two!));
    assert.deepEqual(
      (await client.rules('ip', 't')).map(({ comment }) => comment),
      ['one', 'three'],
    );
    await client.commit(new Batch().flushChain(chain));
    assert.deepEqual(await client.rules('ip', 't'), []);
    await client.commit(new Batch().deleteChain(chain).deleteSet(peers).deleteTable(table));
    assert.equal(await client.table(table), undefined);
  });

  it('has elements leave by themselves when their time is over', async () => {
    await client.commit(new Batch().addElements(peers, [{ ...peer(1), timeoutMs: 50 }, peer(2)]));
    const deadline = Date.now() + 5000;
    let left = await client.elements(peers);
    while (left.length > 1 && Date.now() < deadline) left = await client.elements(peers);
    assert.deepEqual(
      left.map(({ key }) => key.readUInt16BE(4)),
      [2],
    );
    await client.commit(new Batch().putElements(peers, [{ ...peer(1), timeoutMs: 60_000 }]));
    assert.equal((await client.elements(peers)).length, 2);
  });
});

describeInNamespace('listings of what is not there', (namespace) => {
  it('are empty', async () => {
    const client = namespace().inside(() => NftablesClient.open());
    try {
      assert.deepEqual(await client.tables('inet'), []);
      assert.equal(await client.table(table), undefined);
      assert.deepEqual(await client.chains('ip', 't'), []);
      assert.deepEqual(await client.sets('ip', 't'), []);
      assert.deepEqual(await client.rules('ip', 't'), []);
      assert.deepEqual(await client.elements(peers), []);
      await client.commit(new Batch().addTable(table));
      assert.deepEqual(await client.elements(peers), []);
    } finally {
      client.close();
    }
  });
});

describeInNamespace('a client', (namespace) => {
  it('sees its own namespace only, and other tables of it not', async () => {
    const client = namespace().inside(() => NftablesClient.open());
    try {
      await client.commit(
        new Batch()
          .addTable(table)
          .addTable({ ...table, name: 'u' })
          .addSet({ ...peers, table: 'u' }),
      );
      assert.deepEqual(
        (await client.tables('ip')).map(({ name }) => name),
        ['t', 'u'],
      );
      assert.deepEqual(await client.sets('ip', 't'), []);
      assert.equal((await client.sets('ip', 'u')).length, 1);
      assert.deepEqual(await client.tables('ip6'), []);
    } finally {
      client.close();
    }
  });

  it('refuses work after it is closed', async () => {
    const client = namespace().inside(() => NftablesClient.open());
    client.close();
    client.close();
    await assert.rejects(client.generation(), { code: 'NETLINK_CLOSED' });
  });
});
