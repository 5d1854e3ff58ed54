/** How many auth packets are looked at, whichever plane catches them: a rate, and how many may come at once. */
export interface Budget {
  /** Per second. */
  readonly packets: number;
  readonly burst: number;
}

/** Of one bound endpoint, of one other source address, of all others together. */
export const BOUND_BUDGET: Budget = { packets: 200, burst: 200 };
export const SOURCE_BUDGET: Budget = { packets: 100, burst: 200 };
export const TOTAL_BUDGET: Budget = { packets: 500, burst: 16 };
