import { AttributeDecoder } from '../attributes.js';
import {
  NFTA_TABLE_NAME,
  NFT_MSG_DELCHAIN,
  NFT_MSG_DELFLOWTABLE,
  NFT_MSG_DELOBJ,
  NFT_MSG_DELRULE,
  NFT_MSG_DELSET,
  NFT_MSG_DELSETELEM,
  NFT_MSG_DELTABLE,
  NFT_MSG_NEWCHAIN,
  NFT_MSG_NEWFLOWTABLE,
  NFT_MSG_NEWGEN,
  NFT_MSG_NEWOBJ,
  NFT_MSG_NEWRULE,
  NFT_MSG_NEWSET,
  NFT_MSG_NEWSETELEM,
  NFT_MSG_NEWTABLE,
} from './constants.js';
import { decoded, faulty, type Decoded } from './decoded.js';
import { decodeGeneration } from './generation.js';
import { decodeNftMessage, type Family } from './message.js';

const touchNames = {
  [NFT_MSG_NEWTABLE]: 'table-added',
  [NFT_MSG_DELTABLE]: 'table-removed',
  [NFT_MSG_NEWCHAIN]: 'chain-added',
  [NFT_MSG_DELCHAIN]: 'chain-removed',
  [NFT_MSG_NEWRULE]: 'rule-added',
  [NFT_MSG_DELRULE]: 'rule-removed',
  [NFT_MSG_NEWSET]: 'set-added',
  [NFT_MSG_DELSET]: 'set-removed',
  [NFT_MSG_NEWSETELEM]: 'elements-added',
  [NFT_MSG_DELSETELEM]: 'elements-removed',
  [NFT_MSG_NEWOBJ]: 'object-added',
  [NFT_MSG_DELOBJ]: 'object-removed',
  [NFT_MSG_NEWFLOWTABLE]: 'flowtable-added',
  [NFT_MSG_DELFLOWTABLE]: 'flowtable-removed',
} as const;

/** "added" also stands for "changed", which the kernel does not tell apart. */
export type Touch = (typeof touchNames)[keyof typeof touchNames];

const touchByCommand = new Map<number, Touch>(
  Object.entries(touchNames).map(([command, touch]) => [Number(command), touch]),
);

/** A table that a transaction changed, and in what way; each way once. */
export interface TouchedTable {
  readonly family: Family;
  readonly name: string;
  readonly what: ReadonlySet<Touch>;
}

/** One committed batch, whoever sent it. */
export interface Transaction {
  readonly generation: number;
  /** Who sent it, in our pid namespace. */
  readonly processId: number | undefined;
  readonly processName: string | undefined;
  readonly tables: readonly TouchedTable[];
}

/**
 * Puts transactions together from the kernel's notices: one for each object that changed, then NFT_MSG_NEWGEN. Of a
 * transaction it keeps the tables only, however many objects changed.
 */
export class TransactionReader {
  private touched = new Map<string, { family: Family; name: string; what: Set<Touch> }>();

  /** Takes one notice; returns the transaction that it completes, if it does. */
  take(type: number, body: Buffer): Decoded<Transaction | undefined> {
    const message = decodeNftMessage(type, body);
    if (!message.ok) return message;
    const { command, family, attributes } = message.value;
    if (command === NFT_MSG_NEWGEN) return this.finish(attributes);
    const touch = command === undefined ? undefined : touchByCommand.get(command);
    if (touch === undefined || family === undefined) return decoded(undefined);
    const list = new AttributeDecoder(attributes);
    // The table is the first attribute of all these messages: NFTA_CHAIN_TABLE, NFTA_SET_TABLE and so on are 1, too.
    const name = list.text(NFTA_TABLE_NAME);
    if (list.fault !== undefined) return faulty(list.fault);
    if (name === undefined) return faulty('a notice that names no table');
    this.touch(family, name, touch);
    return decoded(undefined);
  }

  /** Forgets a transaction whose end may have been lost. */
  reset(): void {
    this.touched.clear();
  }

  private touch(family: Family, name: string, touch: Touch): void {
    const key = `${family} ${name}`;
    const table = this.touched.get(key);
    if (table === undefined) this.touched.set(key, { family, name, what: new Set([touch]) });
    else table.what.add(touch);
  }

  private finish(attributes: Buffer): Decoded<Transaction> {
    const tables = [...this.touched.values()];
    this.touched = new Map();
    const generation = decodeGeneration(attributes);
    if (!generation.ok) return generation;
    const { id, processId, processName } = generation.value;
    return decoded({ generation: id, processId, processName, tables });
  }
}
