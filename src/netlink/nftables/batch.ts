import { NLM_F_APPEND, NLM_F_CREATE } from '../constants.js';
import type { KernelError } from '../errors.js';
import type { NetlinkRequest } from '../socket.js';
import { encodeChain, encodeChainRef, type ChainRef, type ChainSpec } from './chain.js';
import {
  NFT_MSG_DELCHAIN,
  NFT_MSG_DELRULE,
  NFT_MSG_DELSET,
  NFT_MSG_DELSETELEM,
  NFT_MSG_DELTABLE,
  NFT_MSG_NEWCHAIN,
  NFT_MSG_NEWOBJ,
  NFT_MSG_NEWRULE,
  NFT_MSG_NEWSET,
  NFT_MSG_NEWSETELEM,
  NFT_MSG_NEWTABLE,
} from './constants.js';
import { encodeCtTimeout, type CtTimeoutSpec } from './ct-timeout.js';
import { encodeElements, encodeElementsRef, type ElementSpec } from './element.js';
import type { Expression } from './expressions/index.js';
import { encodeBatchBegin, encodeBatchEnd, encodeNftMessage, type Family } from './message.js';
import { encodeChainRules, encodeRule, encodeRuleRef, type RuleRef, type RuleSpec } from './rule.js';
import { encodeSet, encodeSetRef, type SetRef, type SetSpec } from './set.js';
import {
  ElementsSubject,
  LazySubject,
  nameChain,
  nameSet,
  nameTable,
  RuleSubject,
  type BatchSubject,
} from './subject.js';
import { encodeTable, encodeTableRef, type TableRef, type TableSpec } from './table.js';

/** A batch as the socket takes it: BEGIN, the changes, END, and what each of them is about. */
export interface EncodedBatch {
  readonly messages: readonly NetlinkRequest[];
  readonly subjects: readonly BatchSubject[];
}

const WHOLE: BatchSubject = { op: 'commit', object: 'the batch' };

/**
 * Changes of the ruleset that the kernel makes together or not at all, in the order in which they are asked for here.
 * Pure: nothing happens before a client commits it. Methods return the batch, to be chained.
 *
 * "add" makes what is not there and leaves alone what is there with the same properties; "delete" of what is not there
 * fails the batch (ENOENT).
 */
export class Batch {
  private readonly changes: NetlinkRequest[] = [];
  private readonly subjects: BatchSubject[] = [];
  private readonly ruleCounts = new Map<string, number>();
  private setCount = 0;

  /** How many messages the changes take. */
  get length(): number {
    return this.changes.length;
  }

  addTable(table: TableSpec): this {
    return this.change(NFT_MSG_NEWTABLE, NLM_F_CREATE, table.family, encodeTable(table), 'add', () => nameTable(table));
  }

  /** With everything in it. */
  deleteTable(table: TableRef): this {
    return this.change(NFT_MSG_DELTABLE, 0, table.family, encodeTableRef(table), 'delete', () => nameTable(table));
  }

  /** Makes the table anew and empty, be it there already or not. Fill it in the same batch, and no packet sees a gap. */
  replaceTable(table: TableSpec): this {
    return this.addTable({ family: table.family, name: table.name }).deleteTable(table).addTable(table);
  }

  addChain(chain: ChainSpec): this {
    return this.change(NFT_MSG_NEWCHAIN, NLM_F_CREATE, chain.family, encodeChain(chain), 'add', () => nameChain(chain));
  }

  /** With its rules. Fails while rules jump to it (EBUSY). */
  deleteChain(chain: ChainRef): this {
    return this.change(NFT_MSG_DELCHAIN, 0, chain.family, encodeChainRef(chain), 'delete', () => nameChain(chain));
  }

  /** Removes the rules of a chain. */
  flushChain(chain: ChainRef): this {
    return this.change(NFT_MSG_DELRULE, 0, chain.family, encodeChainRules(chain), 'flush', () => nameChain(chain));
  }

  addCtTimeout(object: CtTimeoutSpec): this {
    const name = (): string => `ct timeout ${object.family} ${object.table} ${object.name}`;
    return this.change(NFT_MSG_NEWOBJ, NLM_F_CREATE, object.family, encodeCtTimeout(object), 'add', name);
  }

  addSet(set: SetSpec): this {
    const attributes = encodeSet(set, ++this.setCount);
    return this.change(NFT_MSG_NEWSET, NLM_F_CREATE, set.family, attributes, 'add', () => nameSet(set));
  }

  /** With its elements. Fails while rules use it (EBUSY). */
  deleteSet(set: SetRef): this {
    return this.change(NFT_MSG_DELSET, 0, set.family, encodeSetRef(set), 'delete', () => nameSet(set));
  }

  /** Removes the elements of a set. */
  flushSet(set: SetRef): this {
    return this.change(NFT_MSG_DELSETELEM, 0, set.family, encodeElementsRef(set), 'flush', () => nameSet(set));
  }

  /**
   * An element that is there keeps its timeout on some kernels (6.1) and gets the new one on others (6.18); one with
   * other data fails the batch (EEXIST). `putElements` and `deleteElements` are the ways around.
   */
  addElements(set: SetRef, elements: readonly ElementSpec[]): this {
    return this.changeElements(NFT_MSG_NEWSETELEM, NLM_F_CREATE, set, elements, 'add');
  }

  deleteElements(set: SetRef, elements: readonly Pick<ElementSpec, 'key'>[]): this {
    const keys = elements.map(({ key }) => ({ key }));
    return this.changeElements(NFT_MSG_DELSETELEM, 0, set, keys, 'delete');
  }

  /**
   * Makes sure that the elements are there, with these timeouts starting now, be they there already or not. In a map,
   * one that is there with other data fails the batch (EEXIST): delete it and add it instead.
   */
  putElements(set: SetRef, elements: readonly ElementSpec[]): this {
    return this.addElements(set, elements).deleteElements(set, elements).addElements(set, elements);
  }

  /** Behind the chain's last rule. */
  addRule(rule: RuleSpec): this {
    const chain = nameChain({ ...rule, name: rule.chain });
    const count = (this.ruleCounts.get(chain) ?? 0) + 1;
    this.ruleCounts.set(chain, count);
    this.changes.push(encodeNftMessage(NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND, rule.family, encodeRule(rule)));
    const subject = new RuleSubject('add', rule, () => {
      const comment = rule.comment === undefined ? '' : ` ("${rule.comment}")`;
      return `rule ${count}${comment} to ${chain}`;
    });
    this.subjects.push(subject);
    return this;
  }

  /**
   * For a refusal of this batch (ENOENT: a module is missing): the expressions of rules that the kernel may mean. Where it
   * points at one it means that, or what is attached to it.
   */
  expressionsMeantBy(error: KernelError): Expression[] {
    // The first message is the batch's beginning.
    const subject = this.subjects[error.messageIndex - 1];
    const own = subject?.expressionsAt?.(error.attributeOffset) ?? [];
    return [...own, ...error.others.flatMap((other) => this.expressionsMeantBy(other))];
  }

  deleteRule(rule: RuleRef): this {
    return this.change(NFT_MSG_DELRULE, 0, rule.family, encodeRuleRef(rule), 'delete', () => {
      return `rule with handle ${rule.handle.toString()} of ${nameChain({ ...rule, name: rule.chain })}`;
    });
  }

  /** @param generation commit only if the ruleset still has this generation; the kernel answers ERESTART otherwise */
  encode(generation?: number): EncodedBatch {
    return {
      messages: [encodeBatchBegin(generation), ...this.changes, encodeBatchEnd()],
      subjects: [WHOLE, ...this.subjects, WHOLE],
    };
  }

  private changeElements(
    command: number,
    flags: number,
    set: SetRef,
    elements: readonly ElementSpec[],
    op: string,
  ): this {
    for (const chunk of encodeElements(set, elements)) {
      this.changes.push(encodeNftMessage(command, flags, set.family, chunk.attributes));
      this.subjects.push(new ElementsSubject(op, set, elements, chunk));
    }
    return this;
  }

  private change(
    command: number,
    flags: number,
    family: Family,
    attributes: readonly Buffer[],
    op: string,
    name: () => string,
  ): this {
    this.changes.push(encodeNftMessage(command, flags, family, attributes));
    this.subjects.push(new LazySubject(op, name));
    return this;
  }
}
