/** The sets and maps of a tunnel's table, with the types that their elements are made of. */
import type { SetSpec } from '../../../netlink/nftables/set.js';
import { BOUND_RATES, ENDPOINTS, inTable, SOURCE_RATES } from './names.js';

/** Endpoints in one table; the kernel takes memory for those that are there. */
const MAX_PEERS = 65_536;
/** How many sources are told apart, and for how long; past that only the budget of all holds. */
const RATE_ENTRIES = 16_384;
export const RATE_MEMORY_MS = 10_000;

const RATES = { dynamic: true, timeouts: true, defaultTimeoutMs: RATE_MEMORY_MS, size: RATE_ENTRIES } as const;

export const endpointsOf = (table: string): SetSpec => ({
  ...inTable(table, ENDPOINTS),
  key: ['ipv4_addr', 'inet_service'],
  data: ['ipv4_addr'],
  timeouts: true,
  size: MAX_PEERS,
});

export const boundRatesOf = (table: string): SetSpec => ({
  ...inTable(table, BOUND_RATES),
  key: ['ipv4_addr', 'inet_service'],
  ...RATES,
});

export const sourceRatesOf = (table: string): SetSpec => ({
  ...inTable(table, SOURCE_RATES),
  key: ['ipv4_addr'],
  ...RATES,
});
