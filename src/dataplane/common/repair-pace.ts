/**
 * How often something may be repaired. A few times at once; where the same thing is undone again and again there is an
 * opponent, and each repair waits twice as long as the one before, so that nobody's processor is burnt in the quarrel.
 */
export interface PaceState {
  /** Repairs since it was last quiet. */
  readonly repairs: number;
  readonly lastMs: number;
}

/** Repairs without waiting, for somebody who removes a thing or two by hand. */
const FREE_REPAIRS = 5;
const FIRST_WAIT_MS = 1000;
const LONGEST_WAIT_MS = 60_000;
/** After so long without a repair all is forgotten; longer than the longest wait, or the wait would end the quarrel. */
const QUIET_MS = 2 * LONGEST_WAIT_MS;

export const QUIET_PACE: PaceState = { repairs: 0, lastMs: -Infinity };

const sinceQuiet = (state: PaceState, nowMs: number): number => (nowMs - state.lastMs >= QUIET_MS ? 0 : state.repairs);

/** How long the next repair has to wait; 0 for not at all. */
export function repairWaitMs(state: PaceState, nowMs: number): number {
  const paid = sinceQuiet(state, nowMs) - FREE_REPAIRS;
  if (paid < 0) return 0;
  const wait = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** paid);
  return Math.max(0, state.lastMs + wait - nowMs);
}

export const afterRepair = (state: PaceState, nowMs: number): PaceState => ({
  repairs: sinceQuiet(state, nowMs) + 1,
  lastMs: nowMs,
});
