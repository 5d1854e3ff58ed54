import type { Level } from './levels.js';

// --- our own choices ---

/** A reason writes one line in a window; of what else it has to say the last is kept, and all of it counted. */
export const LIMIT_WINDOW_MS = 1000;
/** Reasons told apart; further ones share one budget, so that memory stays bounded whatever names them. */
export const LIMIT_REASONS_MAX = 64;
export const OVERFLOW_REASON = 'other';

/** A line that may be written; made up only when it is. */
export interface Line {
  readonly level: Level;
  readonly message: () => string;
}

/** Opens with a line that was written, and lasts `LIMIT_WINDOW_MS` from there. */
interface Window {
  readonly startMs: number;
  readonly heldBack: number;
  /** The latest that was held back: it tells how things stand. */
  readonly last: Line;
}

export type LimiterState = ReadonlyMap<string, Window>;

export interface HeldBack {
  readonly last: Line;
  /** `last` included. */
  readonly count: number;
}

export type Verdict =
  /** Write it; `heldBack` lines of the same reason came since the last one. */
  | { readonly kind: 'write'; readonly state: LimiterState; readonly heldBack: number }
  | { readonly kind: 'hold'; readonly state: LimiterState };

export const EMPTY_LIMITER: LimiterState = new Map();

/** Asks for one line; `nowMs` is monotonic. */
export function takeLine(state: LimiterState, reason: string, line: Line, nowMs: number): Verdict {
  const key = state.has(reason) || state.size < LIMIT_REASONS_MAX ? reason : OVERFLOW_REASON;
  const window = state.get(key);
  if (window === undefined || isOver(window, nowMs)) {
    const opened = new Map(state).set(key, { startMs: nowMs, heldBack: 0, last: line });
    return { kind: 'write', state: opened, heldBack: window?.heldBack ?? 0 };
  }
  return { kind: 'hold', state: new Map(state).set(key, { ...window, heldBack: window.heldBack + 1, last: line }) };
}

/**
 * Reasons whose window is over and that held lines back: the last of each is due now, and opens its next window. Windows that are over with nothing to say are forgotten.
 */
export function endWindows(
  state: LimiterState,
  nowMs: number,
): { readonly state: LimiterState; readonly due: readonly HeldBack[] } {
  const next = new Map<string, Window>();
  const due: HeldBack[] = [];
  for (const [reason, window] of state) {
    if (!isOver(window, nowMs)) {
      next.set(reason, window);
    } else if (window.heldBack > 0) {
      due.push({ last: window.last, count: window.heldBack });
      next.set(reason, { ...window, startMs: nowMs, heldBack: 0 });
    }
  }
  return { state: next, due };
}

/** All that is held back, for the way out. */
export function heldBack(state: LimiterState): readonly HeldBack[] {
  return [...state.values()]
    .filter((window) => window.heldBack > 0)
    .map((window) => ({ last: window.last, count: window.heldBack }));
}

function isOver(window: Window, nowMs: number): boolean {
  return nowMs - window.startMs >= LIMIT_WINDOW_MS;
}
