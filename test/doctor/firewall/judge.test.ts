import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { TableFacts } from '../../../src/doctor/firewall/facts.js';
import { judgeFirewall } from '../../../src/doctor/firewall/judge.js';
import {
  immediateVerdict,
  type Chain,
  type Expression,
  type Rule,
  type Verdict,
} from '../../../src/netlink/nftables/index.js';
import { PACKET } from '../support/packet.js';

const chain = (name: string, base?: Chain['base']): Chain => ({
  family: 'inet',
  table: 't',
  name,
  handle: 1n,
  base,
  comment: undefined,
});
const INPUT = chain('input', { type: 'filter', hook: 'input', priority: 0, policy: 'drop' });

const rule = (of: string, ...expressions: Expression[]): Rule => ({
  family: 'inet',
  table: 't',
  chain: of,
  handle: 7n,
  expressions,
  comment: undefined,
});
const verdict = (of: string, given: Verdict): Rule => rule(of, immediateVerdict(given));
/** Something of a newer kernel's, or of a module that nobody has heard of. */
const STRANGE: Expression = { name: 'strange', data: Buffer.of(1, 2, 3) };

const table = (chains: readonly Chain[], rules: readonly Rule[]): TableFacts => ({
  family: 'inet',
  name: 't',
  chains,
  rules,
  sets: [],
});
const judge = (one: TableFacts, packet = PACKET) =>
  judgeFirewall({ tables: [one], unread: [], legacyTables: { 4: [], 6: [] } }, packet, () => false);

describe('a ruleset, judged', () => {
  it('stops what its policy drops, and says so', () => {
    const { stops } = judge(table([INPUT], []));
    assert.deepEqual(stops, [
      { fate: 'drop', culprit: { where: 'the policy of chain input in table inet t', dependsOn: [], isSure: true } },
    ]);
  });

  it('is left open where an expression is not known, and says by which', () => {
    const { stops, mayStop } = judge(table([INPUT], [rule('input', STRANGE, immediateVerdict({ kind: 'accept' }))]));
    assert.deepEqual(stops, []);
    assert.deepEqual(mayStop, [
      {
        fate: 'drop',
        culprit: {
          where: 'the policy of chain input in table inet t',
          dependsOn: ['the expression strange'],
          isSure: true,
        },
      },
    ]);
  });

  it('is sure where all that could happen is bad', () => {
    const { stops } = judge(table([INPUT], [rule('input', STRANGE, immediateVerdict({ kind: 'drop' }))]));
    assert.equal(stops.length, 1);
  });

  it('comes back from a jump, and not from a goto', () => {
    const rules = [verdict('sub', { kind: 'return' }), verdict('input', { kind: 'accept' })];
    const [jump, goto] = (['jump', 'goto'] as const).map((kind) =>
      judge(table([INPUT, chain('sub')], [verdict('input', { kind, chain: 'sub' }), ...rules])),
    );
    assert.deepEqual(jump!.stops, []);
    assert.equal(goto!.stops.length, 1);
  });

  it('looks at address translation for the first packet of a flow only', () => {
    const nat = chain('nat', { type: 'nat', hook: 'prerouting', priority: -100, policy: 'accept' });
    const facts = table([nat], [rule('nat', { name: 'redir', data: Buffer.alloc(0) })]);
    assert.equal(judge(facts).stops[0]?.fate, 'diverted');
    assert.deepEqual(judge(facts, { ...PACKET, state: 'established' }), { chains: 0, stops: [], mayStop: [] });
  });

  it('looks at the chains on the way, in or out, and of the device', () => {
    const hooked = (hook: 'input' | 'output' | 'forward', device?: string): Chain =>
      chain(hook, { type: 'filter', hook, priority: 0, policy: 'drop', ...(device !== undefined && { device }) });
    const facts = table([hooked('input'), hooked('output'), hooked('forward')], []);
    assert.deepEqual(
      judge(facts).stops.map(({ culprit }) => culprit.where),
      ['the policy of chain input in table inet t'],
    );
    assert.deepEqual(
      judge(facts, { ...PACKET, direction: 'out' }).stops.map(({ culprit }) => culprit.where),
      ['the policy of chain output in table inet t'],
    );
  });

  it('leaves open what a program decides', () => {
    const { stops, mayStop } = judge(table([INPUT], [rule('input', { name: 'queue', data: Buffer.alloc(0) })]));
    assert.deepEqual([stops.length, mayStop[0]?.fate], [0, 'queued']);
  });

  it('ends, also where chains lead into each other', () => {
    const rules = ['a', 'b', 'c'].flatMap((from) =>
      ['a', 'b', 'c', 'input'].map((to) => verdict(from, { kind: 'jump', chain: to })),
    );
    const { mayStop } = judge(
      table([INPUT, chain('a'), chain('b'), chain('c')], [verdict('input', { kind: 'jump', chain: 'a' }), ...rules]),
    );
    assert.ok(mayStop.length > 0);
  });

  it('gives a judgement on whatever bytes its rules are made of', () => {
    const names = [
      ...['meta', 'payload', 'cmp', 'range', 'lookup', 'bitwise', 'immediate', 'ct', 'fib', 'limit', 'nat'],
      ...['match', 'target', 'queue', 'reject', 'counter', 'dynset', 'x'],
    ];
    const expressions = fc.array(
      fc.record({
        name: fc.constantFrom(...names),
        data: fc.uint8Array({ maxLength: 80 }).map((bytes) => Buffer.from(bytes)),
      }),
      { maxLength: 6 },
    );
    fc.assert(
      fc.property(fc.array(expressions, { maxLength: 6 }), (rules) => {
        const { chains } = judge(
          table(
            [INPUT],
            rules.map((all) => rule('input', ...all)),
          ),
        );
        assert.equal(chains, 1);
      }),
    );
  });
});
