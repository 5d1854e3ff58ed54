/** The table as data: what the ruleset's builder adds to a batch, kept to be compared with what the kernel lists. */
import type { Chain, ChainSpec } from './chain.js';
import { sameExpressions } from './expressions/index.js';
import type { Rule, RuleSpec } from './rule.js';
import type { NftablesSet, SetSpec } from './set.js';
import type { Table, TableSpec } from './table.js';

/** What a table is built into: a batch, or a record of it; or what wants to know more of its rules. */
export interface RulesetSink<R extends RuleSpec = RuleSpec> {
  addTable(table: TableSpec): unknown;
  addSet(set: SetSpec): unknown;
  addChain(chain: ChainSpec): unknown;
  addRule(rule: R): unknown;
}

/** A table as the kernel lists it, without the elements of its sets. */
export interface ListedTable {
  readonly table: Table | undefined;
  readonly sets: readonly NftablesSet[];
  readonly chains: readonly Chain[];
  readonly rules: readonly Rule[];
}

export class RecordedTable implements RulesetSink {
  private comment: string | undefined;
  private readonly sets: SetSpec[] = [];
  private readonly chains: ChainSpec[] = [];
  private readonly rules: RuleSpec[] = [];

  addTable(table: TableSpec): void {
    this.comment = table.comment;
  }

  addSet(set: SetSpec): void {
    this.sets.push(set);
  }

  addChain(chain: ChainSpec): void {
    this.chains.push(chain);
  }

  addRule(rule: RuleSpec): void {
    this.rules.push(rule);
  }

  /** What the listed table has otherwise, in words; empty where it does what this one does. */
  compare(listed: ListedTable): string[] {
    const { table } = listed;
    if (table === undefined) return ['is gone'];
    const lacks: string[] = [];
    if (table.comment !== this.comment) lacks.push('has another mark');
    // NFT_TABLE_F_DORMANT: its chains don't run.
    if (table.flags !== 0) lacks.push('is switched off');
    lacks.push(...this.compareSets(listed.sets), ...this.compareChains(listed.chains));
    for (const { name } of this.chains) {
      const wanted = this.rules.filter(({ chain }) => chain === name);
      const there = listed.rules.filter(({ chain }) => chain === name);
      const same =
        wanted.length === there.length &&
        wanted.every((rule, index) => sameExpressions(rule.expressions, there[index]?.expressions ?? []));
      if (!same) lacks.push(`has other rules in its chain ${name}`);
    }
    return lacks;
  }

  private compareSets(listed: readonly NftablesSet[]): string[] {
    const lacks = this.sets.flatMap((wanted) => {
      const there = listed.find(({ name }) => name === wanted.name);
      if (there === undefined) return [`lacks the set ${wanted.name}`];
      return sameSet(wanted, there) ? [] : [`has another set ${wanted.name}`];
    });
    const strangers = listed.filter(({ name }) => !this.sets.some((wanted) => wanted.name === name));
    return [...lacks, ...strangers.map(({ name }) => `has a set ${name} that is not ours`)];
  }

  private compareChains(listed: readonly Chain[]): string[] {
    const lacks = this.chains.flatMap((wanted) => {
      const there = listed.find(({ name }) => name === wanted.name);
      if (there === undefined) return [`lacks the chain ${wanted.name}`];
      return sameBase(wanted, there) ? [] : [`has its chain ${wanted.name} elsewhere`];
    });
    const strangers = listed.filter(({ name }) => !this.chains.some((wanted) => wanted.name === name));
    return [...lacks, ...strangers.map(({ name }) => `has a chain ${name} that is not ours`)];
  }
}

const sameSet = (wanted: SetSpec, listed: NftablesSet): boolean =>
  String(wanted.key) === String(listed.key) &&
  String(wanted.data) === String(listed.data) &&
  (wanted.timeouts === true || wanted.defaultTimeoutMs !== undefined) === listed.timeouts &&
  wanted.defaultTimeoutMs === listed.defaultTimeoutMs &&
  (wanted.dynamic === true) === listed.dynamic &&
  wanted.size === listed.size &&
  (wanted.intervals === true) === listed.intervals;

const sameBase = ({ base: wanted }: ChainSpec, { base: listed }: Chain): boolean =>
  wanted?.type === listed?.type &&
  wanted?.hook === listed?.hook &&
  wanted?.priority === listed?.priority &&
  wanted?.policy === listed?.policy &&
  wanted?.device === listed?.device;
