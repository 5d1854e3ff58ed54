import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { WordedRule } from '../../../src/netlink/nftables/commands.js';
import { DropCounts } from '../../../src/dataplane/kernel/ruleset/drop-counts.js';
import { DROPPED } from '../../../src/dataplane/kernel/ruleset/names.js';
import { addRuleset } from '../../../src/dataplane/kernel/ruleset/ruleset.js';
import { counter } from '../../../src/netlink/nftables/expressions/index.js';
import type { Rule } from '../../../src/netlink/nftables/rule.js';

function rulesOf(queueNumber: number | undefined): WordedRule[] {
  const rules: WordedRule[] = [];
  const nothing = (): void => undefined;
  addRuleset(
    { addTable: nothing, addSet: nothing, addChain: nothing, addRule: (rule) => rules.push(rule) },
    {
      table: 't',
      comment: 'a mark',
      outer: { address: '192.0.2.1', port: 10_000 },
      tunnel: { device: 'ipipou0', internal: '172.29.0.0', peerAddress: '172.28.0.1' },
      schemes: [{ kind: 'ed25519' }],
      queueNumber,
    },
  );
  return rules;
}

const listed = (comment: string, packets: number): Rule =>
  ({ comment, expressions: [counter({ packets: BigInt(packets), bytes: 0n })] }) as unknown as Rule;

describe('dataplane/kernel: what the rules have dropped', () => {
  it('is counted for every rule that drops packets of others, by its comment', () => {
    const dropping = [...rulesOf(0), ...rulesOf(undefined)].filter(({ text }) => text.endsWith(' drop'));
    // What our own host says about us is nobody's packet that was refused.
    const foreign = dropping.filter(({ comment }) => comment !== 'a complaint from inside');
    assert.deepEqual(new Set(foreign.map(({ comment }) => comment)), new Set(Object.values(DROPPED)));
    assert.deepEqual(
      foreign.filter(({ text }) => !text.includes('counter')),
      [],
    );
  });

  it('is what came since the first look, whoever began to count anew meanwhile', () => {
    const counts = new DropCounts();
    const see = (packets: number): number => {
      counts.see([listed(DROPPED.stranger, packets), listed('of a bound endpoint', 99)]);
      return counts.since.get(DROPPED.stranger) ?? 0;
    };
    assert.deepEqual([50, 50, 53].map(see), [0, 0, 3]);
    // Somebody flushed the chain, and it was put back.
    assert.deepEqual([2, 4].map(see), [5, 7]);
    counts.beginAnew();
    assert.equal(see(10), 17);
    assert.deepEqual([...counts.since.keys()], [DROPPED.stranger]);
  });
});
