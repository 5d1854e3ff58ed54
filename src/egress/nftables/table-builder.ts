import type { BaseChain } from '../../netlink/nftables/chain.js';
import type { CtTimeoutSpec } from '../../netlink/nftables/ct-timeout.js';
import type { ElementSpec } from '../../netlink/nftables/element.js';
import type { Expression } from '../../netlink/nftables/expressions/index.js';
import type { RulesetSink } from '../../netlink/nftables/recorded-table.js';
import type { SetRef, SetSpec } from '../../netlink/nftables/set.js';
import { FAMILY } from './names.js';

/** A sink that may take elements and objects too; one that only compares tables doesn't. */
export interface ElementSink extends RulesetSink {
  addElements?(set: SetRef, elements: readonly ElementSpec[]): unknown;
  addCtTimeout?(object: CtTimeoutSpec): unknown;
}

/**
 * Adds to one table. The kernel wants a chain to be there before a rule or an element leads to it, so rules and elements
 * are kept until `finish`.
 */
export class TableBuilder {
  private readonly sink: ElementSink;
  private readonly table: string;
  private readonly later: (() => void)[] = [];

  constructor(sink: ElementSink, table: string) {
    this.sink = sink;
    this.table = table;
  }

  chain(name: string, base?: BaseChain): void {
    this.sink.addChain({ family: FAMILY, table: this.table, name, ...(base && { base }) });
  }

  /** Nobody can take it away while a rule has it. */
  ctTimeout(spec: Omit<CtTimeoutSpec, 'family' | 'table'>): void {
    this.sink.addCtTimeout?.({ family: FAMILY, table: this.table, ...spec });
  }

  set(spec: Omit<SetSpec, 'family' | 'table'>, elements: readonly ElementSpec[] = []): void {
    const set = { family: FAMILY, table: this.table, ...spec } as const;
    this.sink.addSet(set);
    this.later.push(() => {
      if (elements.length > 0) this.sink.addElements?.(set, elements);
    });
  }

  rule(chain: string, comment: string | undefined, expressions: readonly Expression[]): void {
    this.later.push(() => {
      this.sink.addRule({
        family: FAMILY,
        table: this.table,
        chain,
        expressions,
        ...(comment !== undefined && { comment }),
      });
    });
  }

  finish(): void {
    for (const add of this.later) add();
  }
}
