/** How many auth packets are looked at, whichever plane catches them: a rate, and how many may come at once. */
export interface Budget {
  /** Per second. */
  readonly packets: number;
  readonly burst: number;
}

/** Of one bound endpoint, and of one other source address. */
export const BOUND_BUDGET: Budget = { packets: 200, burst: 200 };
export const SOURCE_BUDGET: Budget = { packets: 100, burst: 200 };
/**
 * Of all others together. What a slow machine can't verify in time fills the queue, and what comes from bound endpoints
 * would find no room in it: an emulated processor, shared with the flood, manages some 300 signatures a second.
 */
export const TOTAL_BUDGET: Budget = { packets: 200, burst: 16 };
