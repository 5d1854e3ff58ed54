/**
 * The lines that the filter logs, held against the filter itself: `nft` loads them into a second namespace, and its
 * listings of both must be equal after every change. Without a queue, which not every kernel has; test/lab/announce has
 * one.
 */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { it } from 'mocha';
import { deviceName } from '../../../src/config/types.js';
import type { BoundEndpoint } from '../../../src/dataplane/kernel/endpoints.js';
import type { WantedFilter } from '../../../src/dataplane/kernel/filter.js';
import { NftFilter, type NftFilterSettings } from '../../../src/dataplane/kernel/nft-filter.js';
import { tokenVariable } from '../../../src/dataplane/kernel/ruleset/ruleset.js';
import { CORPUS_SCHEMES } from '../../core/classifier-corpus.js';
import { describeInNamespace, type TestNamespace } from '../../support/namespace.js';

const TABLE = 'ipipou-0';
const INTERNAL = '172.29.0.0';
const OUTER = { address: '192.0.2.1', port: 10_000, device: 'wan' };
const RUNS = 15;

const binding = (port: number, remainingMs?: number): BoundEndpoint => ({
  endpoint: { address: '192.0.2.7', port },
  internal: INTERNAL,
  ...(remainingMs !== undefined && { remainingMs }),
});

const wanted = (bound?: BoundEndpoint, outer: WantedFilter['outer'] = OUTER): WantedFilter => ({
  outer,
  tunnel: { device: 'ipipou0', internal: INTERNAL, peerAddress: '172.28.0.1' },
  bound,
});

describeInNamespace('the filter, saying what it does', (kernel) => {
  describeInNamespace('and nft, doing what it says elsewhere', (replica) => {
    let said: string[] = [];
    /** What the lines leave to be filled in. */
    let definitions: string[] = [];

    const open = (ns: TestNamespace, settings: Partial<NftFilterSettings> = {}): Promise<NftFilter> =>
      ns.inside(() =>
        NftFilter.open({
          table: TABLE,
          mark: { number: 0, port: OUTER.port },
          schemes: [{ kind: 'ed25519' }],
          queueNumber: undefined,
          announce: (line) => said.push(...line().split('\n')),
          ...settings,
        }),
      );

    async function withFilter(
      settings: Partial<NftFilterSettings>,
      use: (filter: NftFilter) => Promise<void>,
    ): Promise<void> {
      const filter = await open(kernel(), settings);
      const tokens = (settings.schemes ?? []).flatMap((scheme) => (scheme.kind === 'token' ? [scheme.token] : []));
      definitions = tokens.map((token, index) => {
        const hex = Buffer.from(token.subarray(0, 16)).toString('hex');
        return `define ${tokenVariable(index).slice(1)} = 0x${hex}`;
      });
      try {
        await use(filter);
      } finally {
        filter.close();
        for (const ns of [kernel(), replica()]) ns.loadRuleset('flush ruleset');
      }
    }

    /** Makes the change, has nft load the lines said, and compares. */
    async function same(change: Promise<void>): Promise<void> {
      await change;
      const commands = said.map((line) => /^nft (.+)$/.exec(line)?.[1] ?? assert.fail(`no command: ${line}`));
      said = [];
      replica().loadRuleset([...definitions, ...commands].join('\n'));
      assert.deepEqual(replica().listRuleset(), kernel().listRuleset());
    }

    const tables = (ns: TestNamespace): string => ns.run('nft', 'list', 'tables');

    for (const { name, schemes } of CORPUS_SCHEMES) {
      it(`agree on the whole table, scheme ${name}`, async () => {
        await withFilter({ schemes }, async (filter) => {
          await same(filter.install(wanted(binding(1))));
          assert.match(tables(replica()), /table ip ipipou-0/);
          // What nft has made is to the filter, which compares byte by byte, as if it had made it itself.
          const other = await open(replica(), { schemes });
          try {
            assert.deepEqual(await other.plan(() => wanted(binding(1))), []);
          } finally {
            other.close();
          }
        });
      });
    }

    it('keep the tokens to themselves', async () => {
      const tokens = ['open sesame', 'a token that is longer than one register'].map((text) => Buffer.from(text));
      await withFilter({ schemes: tokens.map((token) => ({ kind: 'token', token }) as const) }, async (filter) => {
        await filter.install(wanted());
        const lines = said.splice(0).join('\n');
        assert.match(lines, /@th,64,88 \$token goto .*@th,64,128 \$token2 goto /s);
        for (const token of tokens) assert.ok(!lines.includes(token.subarray(0, 4).toString('hex')), lines);
      });
    });

    it('agree on a table without counters, and on another in its place', async () => {
      await withFilter({ counters: false }, async (filter) => {
        await same(filter.install(wanted()));
        await same(filter.install(wanted(binding(1), { address: '192.0.2.2', port: 9 })));
      });
    });

    it('agree on every change after that, from the first endpoint to the end', async () => {
      await withFilter({}, async (filter) => {
        await same(filter.install(wanted()));
        await same(filter.admit(binding(1), undefined));
        await same(filter.admit(binding(2, 9000), binding(1)));
        await same(filter.admit(binding(2, 60_000), undefined));
        await same(filter.admit(binding(3, 1_234_567), binding(2)));
        await same(
          filter.moveOuter({ ...wanted(), outer: { address: '192.0.2.55', port: OUTER.port, device: 'eth0' } }),
        );
        await same(filter.moveOuter({ ...wanted(), outer: { address: '192.0.2.56', port: OUTER.port } }));
        await same(filter.shutOut(binding(3)));
        await same(filter.shutOut(binding(3)));
        assert.match(tables(replica()), /table ip ipipou-0/);
        await same(filter.remove());
        assert.equal(tables(replica()), '');
        await same(filter.remove());
      });
    });

    it('agree that a table of ours by another name goes', async () => {
      await withFilter({ table: 'older' }, async (older) => {
        await same(older.install(wanted()));
        const newer = await open(kernel());
        try {
          await same(newer.install(wanted()));
          assert.equal(tables(replica()).trim(), 'table ip ipipou-0');
        } finally {
          newer.close();
        }
      });
    });

    it('agree on tokens, devices, addresses, ports and lifetimes of every kind', async () => {
      // What nft has no way to write is left out.
      const device = fc
        .string({ unit: 'grapheme', minLength: 1, maxLength: 15 })
        .filter((name) => deviceName.parse(name).ok && !/"|\\.*\*$/.test(name));
      const names = fc.oneof(device, fc.constantFrom('eth*', '*', 'a*b', 'a\\', "it's", 'a;b', '{}'));
      const port = fc.integer({ min: 1, max: 65_535 });
      const samples = fc.record({
        tokens: fc.array(fc.uint8Array({ minLength: 1, maxLength: 40 }), { maxLength: 3 }),
        links: names,
        wan: names,
        address: fc.ipV4(),
        port,
        peerPort: port,
        remainingMs: fc.integer({ min: 5000, max: 2 ** 31 }),
      });
      await fc.assert(
        fc.asyncProperty(samples, async ({ tokens, links, wan, address, port: outerPort, peerPort, remainingMs }) => {
          const schemes = tokens.map((token) => ({ kind: 'token', token: Buffer.from(token) }) as const);
          await withFilter({ schemes }, async (filter) => {
            const bound = binding(peerPort, remainingMs);
            const outer = { address, port: outerPort, device: wan };
            await same(filter.install({ outer, tunnel: { ...wanted().tunnel, device: links }, bound }));
          });
        }),
        { numRuns: RUNS },
      );
    });

    it('agree on networks that inner IPv6 packets may come from', async () => {
      const networks = ['fd00::2/128', '2001:db8:1::/48', '2001:db8:2:8000::/49', '8000::/1', '::/0'].map((network) => {
        const [address = '', prefixLength] = network.split('/');
        return { address, prefixLength: Number(prefixLength) };
      });
      await withFilter({}, async (filter) => {
        for (const [denied, allowed] of [
          [[], networks],
          [networks.slice(0, 4), networks],
          [[], []],
        ] as const) {
          const sources6 = { denied, allowed };
          await same(filter.install({ ...wanted(binding(1)), tunnel: { ...wanted().tunnel, sources6 } }));
        }
      });
    });

    it('say a first endpoint in one line, and a roam in one', async () => {
      await withFilter({}, async (filter) => {
        await filter.install(wanted());
        said = [];
        await filter.admit(binding(1), undefined);
        assert.deepEqual(said.splice(0), [
          'nft add element ip ipipou-0 endpoints { 192.0.2.7 . 1 : 172.29.0.0 }; ' +
            'delete element ip ipipou-0 endpoints { 192.0.2.7 . 1 }; ' +
            'add element ip ipipou-0 endpoints { 192.0.2.7 . 1 : 172.29.0.0 }',
        ]);
        await filter.admit(binding(2, 9000), binding(1));
        assert.deepEqual(said.splice(0), [
          'nft add element ip ipipou-0 endpoints { 192.0.2.7 . 1 : 172.29.0.0, 192.0.2.7 . 2 timeout 9s : 172.29.0.0 }; ' +
            'delete element ip ipipou-0 endpoints { 192.0.2.7 . 1, 192.0.2.7 . 2 }; ' +
            'add element ip ipipou-0 endpoints { 192.0.2.7 . 2 timeout 9s : 172.29.0.0 }',
        ]);
      });
    });
  });
});
