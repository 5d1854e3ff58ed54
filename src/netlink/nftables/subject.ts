/** How errors name the objects of a batch. Names are made when an error needs them, not on the way to the kernel. */
import type { RequestSubject } from '../errors.js';
import { NLMSG_HDRLEN } from '../message.js';
import type { ChainRef } from './chain.js';
import { formatFields } from './data-type.js';
import type { ElementChunk, ElementSpec } from './element.js';
import type { Expression } from './expressions/index.js';
import { NFGENMSG_LENGTH } from './message.js';
import { encodeListed, expressionsOffset, type RuleSpec } from './rule.js';
import type { SetRef } from './set.js';
import type { TableRef } from './table.js';

/** The subject of one message. `locate` names the part of it that an error's attribute offset points at. */
export interface BatchSubject extends RequestSubject {
  readonly locate?: (attributeOffset: number) => string | undefined;
  /** Of a rule: what it is made of; of that the one that the offset points at, where it does. */
  readonly expressionsAt?: (attributeOffset: number | undefined) => readonly Expression[];
}

export const nameTable = (table: TableRef): string => `table ${table.family} ${table.name}`;

export const nameChain = (chain: ChainRef): string => `chain ${chain.family} ${chain.table} ${chain.name}`;

export const nameSet = (set: SetRef): string => `set ${set.family} ${set.table} ${set.name}`;

/** Finds its words when they are asked for. */
export class LazySubject implements BatchSubject {
  readonly op: string;
  private readonly name: () => string;

  constructor(op: string, name: () => string) {
    this.op = op;
    this.name = name;
  }

  get object(): string {
    return this.name();
  }
}

/** A rule. The kernel points at the expression that it has something against (Linux 5.5 and later). */
export class RuleSubject extends LazySubject {
  private readonly rule: RuleSpec;

  constructor(op: string, rule: RuleSpec, name: () => string) {
    super(op, name);
    this.rule = rule;
  }

  /** @param attributeOffset in bytes from the message's nlmsghdr, as the kernel counts */
  expressionsAt(attributeOffset: number | undefined): readonly Expression[] {
    const { expressions } = this.rule;
    let start = NLMSG_HDRLEN + NFGENMSG_LENGTH + expressionsOffset(this.rule);
    const pointedAt = expressions.find((expression) => {
      const isHere = start === attributeOffset;
      start += encodeListed(expression).length;
      return isHere;
    });
    return pointedAt === undefined ? expressions : [pointedAt];
  }
}

/** The elements of one message: by name if it is one, or if the kernel points at one. */
export class ElementsSubject implements BatchSubject {
  readonly op: string;
  private readonly set: SetRef;
  private readonly elements: readonly ElementSpec[];
  private readonly chunk: ElementChunk;

  constructor(op: string, set: SetRef, elements: readonly ElementSpec[], chunk: ElementChunk) {
    this.op = op;
    this.set = set;
    this.elements = elements;
    this.chunk = chunk;
  }

  get object(): string {
    const count = this.chunk.offsets.length;
    return count === 1 ? this.nameElement(0) : `one of ${count} elements of ${nameSet(this.set)}`;
  }

  /** @param attributeOffset in bytes from the message's nlmsghdr, as the kernel counts */
  locate(attributeOffset: number): string | undefined {
    const offset = attributeOffset - NLMSG_HDRLEN - NFGENMSG_LENGTH;
    const index = this.chunk.offsets.findLastIndex((start) => start <= offset);
    return index < 0 ? undefined : this.nameElement(index);
  }

  private nameElement(indexInChunk: number): string {
    const element = this.elements[this.chunk.firstIndex + indexInChunk];
    const key = element === undefined ? '?' : formatFields(this.set.key, element.key);
    return `element ${key} of ${nameSet(this.set)}`;
  }
}
