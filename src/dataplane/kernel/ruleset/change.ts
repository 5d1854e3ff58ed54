import { Batch } from '../../../netlink/nftables/batch.js';
import type { ChainRef, ChainSpec } from '../../../netlink/nftables/chain.js';
import {
  addChainCommand,
  addElementsCommand,
  addRuleCommand,
  addSetCommand,
  addTableCommand,
  deleteElementsCommand,
  deleteTableCommand,
  flushChainCommand,
  type WordedRule,
} from '../../../netlink/nftables/commands.js';
import type { ElementSpec } from '../../../netlink/nftables/element.js';
import type { RulesetSink } from '../../../netlink/nftables/recorded-table.js';
import type { SetSpec } from '../../../netlink/nftables/set.js';
import type { TableRef, TableSpec } from '../../../netlink/nftables/table.js';

/**
 * Changes of the ruleset that can say what they are: the batch for the kernel, and the commands that would have `nft`
 * make the same one. The words are put together when somebody asks for them.
 *
 * What takes several commands to be sure of stands in one line.
 */
export class RulesetChange implements RulesetSink<WordedRule> {
  readonly batch = new Batch();
  private readonly lines: (() => string)[] = [];

  addTable(table: TableSpec): this {
    this.batch.addTable(table);
    return this.say(() => addTableCommand(table));
  }

  /** Be it there or not. */
  removeTable({ family, name }: TableRef): this {
    this.batch.addTable({ family, name }).deleteTable({ family, name });
    return this.say(() => `${addTableCommand({ family, name })}; ${deleteTableCommand({ family, name })}`);
  }

  addSet(set: SetSpec): this {
    this.batch.addSet(set);
    return this.say(() => addSetCommand(set));
  }

  addChain(chain: ChainSpec): this {
    this.batch.addChain(chain);
    return this.say(() => addChainCommand(chain));
  }

  flushChain(chain: ChainRef): this {
    this.batch.flushChain(chain);
    return this.say(() => flushChainCommand(chain));
  }

  addRule(rule: WordedRule): this {
    this.batch.addRule(rule);
    return this.say(() => addRuleCommand(rule));
  }

  addElements(set: SetSpec, elements: readonly ElementSpec[]): this {
    this.batch.addElements(set, elements);
    return this.say(() => addElementsCommand(set, elements));
  }

  /** There with these timeouts from now on, be they there already or not. */
  putElements(set: SetSpec, elements: readonly ElementSpec[]): this {
    this.batch.putElements(set, elements);
    return this.say(() => {
      const add = addElementsCommand(set, elements);
      return `${add}; ${deleteElementsCommand(set, elements)}; ${add}`;
    });
  }

  /**
   * `element` is there with its timeout from now on, and `gone` is not, be they there already or not. In as few messages
   * as can be: on a roam somebody waits for them.
   */
  replaceElement(set: SetSpec, element: ElementSpec, gone: ElementSpec): this {
    // Deleting what is not there fails the batch. Only what has a time needs to be added anew for that to begin.
    const isTimed = element.timeoutMs !== undefined;
    const deleted = isTimed ? [gone, element] : [gone];
    this.batch.addElements(set, [gone, element]).deleteElements(set, deleted);
    if (isTimed) this.batch.addElements(set, [element]);
    return this.say(() => {
      const lines = [addElementsCommand(set, [gone, element]), deleteElementsCommand(set, deleted)];
      return [...lines, ...(isTimed ? [addElementsCommand(set, [element])] : [])].join('; ');
    });
  }

  /** Be they there or timed out. */
  removeElements(set: SetSpec, elements: readonly ElementSpec[]): this {
    this.batch.addElements(set, elements).deleteElements(set, elements);
    return this.say(() => `${addElementsCommand(set, elements)}; ${deleteElementsCommand(set, elements)}`);
  }

  /** One `nft` line for each command, in their order; together in one file for `nft -f` they are one transaction. */
  describe(): string {
    return this.lines.map((line) => `nft ${line()}`).join('\n');
  }

  private say(line: () => string): this {
    this.lines.push(line);
    return this;
  }
}
