/** What the table of a tunnel contains, by name. */
import type { SetRef } from '../../../netlink/nftables/set.js';

export const FAMILY = 'ip';

export const CHAIN_PREROUTING = 'prerouting';
export const CHAIN_INPUT = 'input';
export const CHAIN_OUTER = 'outer';
export const CHAIN_AUTH = 'auth';
export const CHAIN_AUTH_BOUND = 'auth-bound';
export const CHAIN_OUTPUT = 'output';

/** Map: a bound endpoint's address and port → the internal address of its tunnel. */
export const ENDPOINTS = 'endpoints';
/** Rate limits of auth packets, filled by packets: by endpoint for bound ones, by address for the rest. */
export const BOUND_RATES = 'bound-rates';
export const SOURCE_RATES = 'source-rates';

export const inTable = (table: string, name: string): SetRef => ({ family: FAMILY, table, name });

/** Why a packet is dropped: the comments of the rules that do it, by which their counters are found again. */
export const DROPPED = {
  foreignInnerSource: 'foreign inner source',
  toInternal: 'addressed to the internal address',
  stranger: 'inner packet of a stranger',
  neither: 'neither inner nor auth packet',
  noQueue: 'no queue',
  fromInside: 'auth packet from inside a tunnel',
  overSource: 'too many of one source',
  overTotal: 'too many of all sources',
  overBound: 'too many of one bound endpoint',
} as const;
