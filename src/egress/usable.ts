/** What of a pool can be drawn at the moment. */
import type { IpAddress } from './address.js';
import { poolWithout, type Pool } from './pool.js';

/** What is kept out of draws, whatever the pools say. */
export interface Unusable {
  readonly banned: readonly IpAddress[];
  /** The server's own, which others know it by. */
  readonly own: readonly IpAddress[];
}

export const ALL_USABLE: Unusable = { banned: [], own: [] };

/** May be empty. A policy can be told to draw the server's own addresses like any other. */
export const usablePool = (
  { pool, drawsOwn = false }: { readonly pool: Pool; readonly drawsOwn?: boolean },
  { banned, own }: Unusable,
): Pool => poolWithout(pool, drawsOwn ? banned : [...banned, ...own]);
