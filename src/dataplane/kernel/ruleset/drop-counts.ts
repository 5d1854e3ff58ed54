/**
 * How many packets our rules have dropped, by their own counters. Those begin anew with a table that is put in place, and
 * a table that an earlier run left has counted for that one.
 */
import { decodeCounter } from '../../../netlink/nftables/expressions/index.js';
import type { Rule } from '../../../netlink/nftables/rule.js';
import { DROPPED } from './names.js';

const REASONS: ReadonlySet<string> = new Set(Object.values(DROPPED));

export class DropCounts {
  private seen: ReadonlyMap<string, number> | undefined;
  private readonly sums = new Map<string, number>();

  /** Takes the rules as the kernel lists them. What the first listing shows was before us. */
  see(rules: readonly Rule[]): void {
    const now = countsOf(rules);
    const { seen } = this;
    this.seen = now;
    if (seen === undefined) return;
    for (const [reason, count] of now) {
      const before = seen.get(reason) ?? 0;
      // Fewer than before: somebody has begun anew.
      const more = count >= before ? count - before : count;
      if (more > 0) this.sums.set(reason, (this.sums.get(reason) ?? 0) + more);
    }
  }

  /** The table is a new one. */
  beginAnew(): void {
    this.seen = new Map();
  }

  /** Since the first listing. */
  get since(): ReadonlyMap<string, number> {
    return this.sums;
  }
}

function countsOf(rules: readonly Rule[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { comment, expressions } of rules) {
    if (comment === undefined || !REASONS.has(comment)) continue;
    for (const expression of expressions) {
      const counter = decodeCounter(expression);
      if (counter.ok) counts.set(comment, (counts.get(comment) ?? 0) + Number(counter.value.packets));
    }
  }
  return counts;
}
