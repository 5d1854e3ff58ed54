/** What the filter finds changed in its table, by the kernel's own listing. Without a queue: not every kernel has one. */
import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { WantedFilter } from '../../../src/dataplane/kernel/filter.js';
import { NftFilter, sameBindings } from '../../../src/dataplane/kernel/nft-filter.js';
import { mendAll } from '../../../src/dataplane/common/step.js';
import { describeInNamespace, type TestNamespace } from '../../support/namespace.js';

const PEER = { address: '192.0.2.7', port: 40_001 };
const INTERNAL = '172.29.0.0';

const wanted = (remainingMs?: number): WantedFilter => ({
  outer: { address: '192.0.2.1', port: 10_000, device: 'wan' },
  tunnel: { device: 'ipipou0', internal: INTERNAL, peerAddress: '172.28.0.1' },
  bound: { endpoint: PEER, internal: INTERNAL, ...(remainingMs !== undefined && { remainingMs }) },
});

describeInNamespace('the filter, looking at its table', (namespace) => {
  const open = (ns: TestNamespace, number = 0, table = 'ipipou-0', queueNumber?: number): Promise<NftFilter> =>
    ns.inside(() =>
      NftFilter.open({
        table,
        mark: { number, port: 10_000 },
        schemes: [{ kind: 'ed25519' }, { kind: 'token', token: Buffer.from('a token') }],
        queueNumber,
        announce: () => undefined,
      }),
    );

  /** Each breaks the table; the words are what the filter says about it. */
  const BREAKS: readonly [string, RegExp][] = [
    ['flush ruleset', /is gone/],
    ['delete table ip ipipou-0', /is gone/],
    ['flush chain ip ipipou-0 input', /other rules in its chain input/],
    ['flush chain ip ipipou-0 output', /other rules in its chain output/],
    ['insert rule ip ipipou-0 outer accept', /other rules in its chain outer/],
    ['add rule ip ipipou-0 prerouting counter', /other rules in its chain prerouting/],
    ['delete element ip ipipou-0 endpoints { 192.0.2.7 . 40001 }', /other elements in endpoints/],
    ['add element ip ipipou-0 endpoints { 192.0.2.66 . 1 : 172.29.0.0 }', /other elements in endpoints/],
    ['add chain ip ipipou-0 mine', /a chain mine that is not ours/],
    ['add set ip ipipou-0 mine { type ipv4_addr; }', /a set mine that is not ours/],
    ['add table ip ipipou-0 { flags dormant; }', /is switched off/],
    ['add chain ip ipipou-0 input { policy drop; }', /its chain input elsewhere/],
  ];

  for (const [command, words] of BREAKS) {
    it(`notices "${command}" and puts it right`, async () => {
      const filter = await open(namespace());
      try {
        await filter.install(wanted());
        assert.deepEqual(await filter.plan(() => wanted()), []);
        const before = namespace().listRuleset();
        namespace().loadRuleset(command);
        const steps = await filter.plan(() => wanted());
        assert.equal(steps.length, 1);
        assert.match(steps[0]?.lack ?? '', words);
        await mendAll(steps);
        assert.deepEqual(await filter.plan(() => wanted()), []);
        assert.deepEqual(namespace().listRuleset(), before);
      } finally {
        filter.close();
      }
    });
  }

  it('finds nothing amiss while the lifetime of a binding runs down', async () => {
    const filter = await open(namespace());
    try {
      await filter.install(wanted(30_000));
      assert.deepEqual(await filter.plan(() => wanted(29_000)), []);
      assert.match((await filter.plan(() => wanted()))[0]?.lack ?? '', /endpoints/);
      assert.match((await filter.plan(() => wanted(5000)))[0]?.lack ?? '', /endpoints/);
    } finally {
      filter.close();
    }
  });

  it('moves to another outer address in place', async () => {
    const filter = await open(namespace());
    try {
      await filter.install(wanted());
      const outer = { ...wanted().outer, address: '192.0.2.55' };
      await filter.moveOuter({ ...wanted(), outer });
      assert.deepEqual(await filter.plan(() => ({ ...wanted(), outer })), []);
      assert.match(
        (await filter.plan(() => wanted()))[0]?.lack ?? '',
        /chain input, has other rules in its chain output/,
      );
    } finally {
      filter.close();
    }
  });

  it('takes over a table of ours by another name, and removes it with the first change', async () => {
    const first = await open(namespace(), 0, 'older');
    await first.install(wanted());
    first.close();
    const second = await open(namespace());
    try {
      assert.deepEqual(second.left?.obsolete, ['older']);
      assert.deepEqual(
        second.left.endpoints.map(({ endpoint }) => endpoint),
        [PEER],
      );
      const steps = await second.plan(() => wanted());
      assert.match(steps[0]?.lack ?? '', /stands beside older of an earlier run/);
      await mendAll(steps);
      assert.doesNotMatch(namespace().run('nft', 'list', 'tables'), /older/);
      assert.deepEqual(await second.plan(() => wanted()), []);
    } finally {
      second.close();
    }
  });

  it('finds nothing to do where an earlier run left the table as it should be', async () => {
    const first = await open(namespace());
    await first.install(wanted());
    first.close();
    const second = await open(namespace());
    try {
      assert.deepEqual(await second.plan(() => wanted()), []);
    } finally {
      second.close();
    }
  });

  it('counts what its rules drop, since it looked first, through a table that was put in place anew', async () => {
    const here = { ...wanted(), outer: { address: '127.0.0.1', port: 10_000 } };
    const send = (count: number): void => {
      namespace().run('bash', '-c', `for n in $(seq ${count}); do echo $n > /dev/udp/127.0.0.1/10000; done`);
    };
    const first = await open(namespace());
    try {
      await mendAll(await first.plan(() => here));
      send(3);
      assert.deepEqual([...(await first.dropped())], [['neither inner nor auth packet', 3]]);
      namespace().loadRuleset('flush ruleset');
      await mendAll(await first.plan(() => here));
      send(4);
      assert.deepEqual([...(await first.dropped())], [['neither inner nor auth packet', 7]]);
    } finally {
      first.close();
    }
    const second = await open(namespace());
    try {
      assert.deepEqual(await second.plan(() => here), []);
      assert.deepEqual([...(await second.dropped())], []);
      send(1);
      assert.deepEqual([...(await second.dropped())], [['neither inner nor auth packet', 1]]);
      await second.remove();
      assert.deepEqual([...(await second.dropped())], [['neither inner nor auth packet', 1]]);
    } finally {
      second.close();
    }
  });

  it('has the kernel try the table without anything being changed', async () => {
    const filter = await open(namespace());
    try {
      await filter.install(wanted());
      await filter.remove();
      const before = namespace().listRuleset();
      await filter.prove();
      assert.deepEqual(namespace().listRuleset(), before);
    } finally {
      filter.close();
    }
  });

  it('names the module that the kernel lacks for a queue, if it does, before and after anything is there', async () => {
    const filter = await open(namespace(), 0, 'ipipou-0', 7);
    const outcomes = await Promise.allSettled([filter.prove(), filter.install(wanted())]);
    await filter.remove();
    filter.close();
    const [proof, installation] = outcomes.map((outcome) =>
      outcome.status === 'rejected' ? String(outcome.reason) : 'done',
    );
    assert.equal(proof, installation);
    assert.match(
      proof ?? '',
      /^done$|^UnsupportedError: this kernel has no nft_queue \(modprobe nft_queue, or another kernel\)$/,
    );
  });

  it('leaves the tables of other tunnels alone', async () => {
    const other = await open(namespace(), 1, 'ipipou-1');
    await other.install(wanted());
    const ours = await open(namespace());
    try {
      assert.deepEqual(ours.left?.obsolete ?? [], []);
      await ours.install(wanted());
      assert.deepEqual(await other.plan(() => wanted()), []);
      await assert.rejects(open(namespace(), 2, 'ipipou-1'), /ip ipipou-1 is there already and not ours/);
    } finally {
      other.close();
      ours.close();
    }
  });

  for (const [kind, remainingMs] of [
    ['for good', undefined],
    ['for a time', 30_000],
  ] as const) {
    it(`puts an endpoint in the place of another ${kind}, be either there already or not`, async () => {
      const filter = await open(namespace());
      const at = (port: number) => ({
        endpoint: { ...PEER, port },
        internal: INTERNAL,
        ...(remainingMs !== undefined && { remainingMs }),
      });
      const isThere = async (port: number): Promise<boolean> =>
        (await filter.plan(() => ({ ...wanted(), bound: at(port) }))).length === 0;
      try {
        await filter.install({ ...wanted(), bound: at(1) });
        await filter.admit(at(2), at(1));
        assert.ok(await isThere(2));
        // Endpoint 1 is gone already.
        await filter.admit(at(2), at(1));
        assert.ok(await isThere(2));
        await filter.admit(at(1), at(2));
        assert.ok(await isThere(1));
      } finally {
        filter.close();
      }
    });
  }

  it('begins the time of an endpoint anew that takes the place of another', async () => {
    const filter = await open(namespace());
    const at = (port: number, remainingMs: number) => ({
      endpoint: { ...PEER, port },
      internal: INTERNAL,
      remainingMs,
    });
    try {
      await filter.install({ ...wanted(), bound: at(2, 20_000) });
      await filter.admit(at(2, 90_000), at(1, 90_000));
      assert.deepEqual(await filter.plan(() => ({ ...wanted(), bound: at(2, 90_000) })), []);
    } finally {
      filter.close();
    }
  });
});

describe('the bindings of a table', () => {
  const bound = (remainingMs?: number, port = PEER.port) => ({
    endpoint: { ...PEER, port },
    internal: INTERNAL,
    ...(remainingMs !== undefined && { remainingMs }),
  });

  it('are right when the one wanted is there for as long as wanted, and no other', () => {
    assert.ok(sameBindings([bound()], bound()));
    assert.ok(sameBindings([], undefined));
    assert.ok(sameBindings([bound(29_500)], bound(30_000)));
    assert.ok(!sameBindings([], bound()));
    assert.ok(!sameBindings([bound()], undefined));
    assert.ok(!sameBindings([bound(), bound(undefined, 2)], bound()));
    assert.ok(!sameBindings([{ ...bound(), internal: '172.29.0.9' }], bound()));
  });

  it('are wrong when one stays longer or shorter than wanted', () => {
    assert.ok(!sameBindings([bound(60_000)], bound(30_000)));
    assert.ok(!sameBindings([bound(10_000)], bound(30_000)));
    assert.ok(!sameBindings([bound(60_000)], bound()));
    assert.ok(!sameBindings([bound()], bound(30_000)));
  });

  it('may be there or not when they are about to end', () => {
    assert.ok(sameBindings([], bound(1500)));
    assert.ok(sameBindings([bound(1500)], undefined));
    assert.ok(sameBindings([bound(1000)], bound(1500)));
  });
});
