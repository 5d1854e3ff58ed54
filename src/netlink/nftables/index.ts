/**
 * nf_tables over netlink: a typed client that makes the kernel's own objects, in transactions, without the `nft` program.
 *
 *     const client = NftablesClient.open();
 *     const set = { family: 'inet', table: 'demo', name: 'known', key: ['ipv4_addr', 'inet_service'], timeouts: true } as const;
 *     await client.commit(
 *       new Batch()
 *         .replaceTable({ family: 'inet', name: 'demo', comment: 'an example' })
 *         .addSet(set)
 *         .addElements(set, [{ key: encodeFields(set.key, ['192.0.2.1', 10000]), timeoutMs: 60_000 }]),
 *     );
 *     client.close();
 *
 * All numbers in messages are in network byte order, unlike rtnetlink's.
 */
export { Batch, type EncodedBatch } from './batch.js';
export type { BaseChain, Chain, ChainRef, ChainSpec, Hook } from './chain.js';
export { NftablesClient } from './client.js';
export * from './constants.js';
export { encodeFields, formatFields, type DataType, type FieldValue } from './data-type.js';
export type { Data, Verdict } from './data.js';
export type { Decoded } from './decoded.js';
export type { Element, ElementSpec } from './element.js';
export { BatchTooLargeError, DecodeError } from './errors.js';
export { NftablesMonitor, type NftablesEvent, type NftablesMonitorOptions } from './events.js';
export * from './expressions/index.js';
export type { Family } from './message.js';
export type { Rule, RuleRef, RuleSpec } from './rule.js';
export type { NftablesSet, SetRef, SetSpec } from './set.js';
export type { Table, TableRef, TableSpec } from './table.js';
export type { Touch, TouchedTable, Transaction } from './transaction.js';
