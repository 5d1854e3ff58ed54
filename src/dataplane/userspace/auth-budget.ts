/**
 * How many auth packets reach the main thread: the same budgets as in the kernel plane's ruleset. Each is a bucket that
 * holds a burst and fills at its rate; the time is an argument.
 */
import { BOUND_BUDGET, SOURCE_BUDGET, TOTAL_BUDGET, type Budget } from '../common/auth-budgets.js';

/** How many sources are told apart; past that only the budget of all holds. */
const MAX_SOURCES = 16_384;
/** By then every bucket is full again, and need not be remembered. */
const MEMORY_MS = 10_000;

interface Bucket {
  tokens: number;
  atMs: number;
}

export class AuthBudget {
  private readonly bound: Bucket;
  private readonly total: Bucket;
  private readonly sources = new Map<number, Bucket>();
  private sweptMs: number;

  constructor(nowMs: number) {
    this.bound = { tokens: BOUND_BUDGET.burst, atMs: nowMs };
    this.total = { tokens: TOTAL_BUDGET.burst, atMs: nowMs };
    this.sweptMs = nowMs;
  }

  /** Another endpoint is bound now, and has spent nothing. */
  renewBound(nowMs: number): void {
    this.bound.tokens = BOUND_BUDGET.burst;
    this.bound.atMs = nowMs;
  }

  /** Whether one more packet is within the budgets; if it is it has been paid. `source` is any number for the address. */
  spend(source: number, isBound: boolean, nowMs: number): boolean {
    if (isBound) return take(this.bound, BOUND_BUDGET, nowMs);
    this.sweep(nowMs);
    const bucket = this.sources.get(source);
    if (bucket !== undefined) return take(bucket, SOURCE_BUDGET, nowMs) && take(this.total, TOTAL_BUDGET, nowMs);
    if (this.sources.size < MAX_SOURCES) {
      this.sources.set(source, { tokens: SOURCE_BUDGET.burst - 1, atMs: nowMs });
    }
    return take(this.total, TOTAL_BUDGET, nowMs);
  }

  private sweep(nowMs: number): void {
    if (nowMs - this.sweptMs < MEMORY_MS) return;
    this.sweptMs = nowMs;
    for (const [source, { atMs }] of this.sources) if (nowMs - atMs >= MEMORY_MS) this.sources.delete(source);
  }
}

function take(bucket: Bucket, { packets, burst }: Budget, nowMs: number): boolean {
  bucket.tokens = Math.min(burst, bucket.tokens + ((nowMs - bucket.atMs) * packets) / 1000);
  bucket.atMs = nowMs;
  if (bucket.tokens < 1) return false;
  bucket.tokens -= 1;
  return true;
}
