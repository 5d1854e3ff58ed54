import type { Level } from './levels.js';

// --- our own choices ---

/** A reason writes one line in a window; what else it has to say is only counted. */
export const LIMIT_WINDOW_MS = 1000;
/** Reasons told apart; further ones share one budget, so that memory stays bounded whatever names them. */
export const LIMIT_REASONS_MAX = 64;
export const OVERFLOW_REASON = 'other';

/** Opens with a line that was written, and lasts `LIMIT_WINDOW_MS` from there. */
interface Window {
  readonly startMs: number;
  /** Of the reason's last line. */
  readonly level: Level;
  readonly heldBack: number;
}

export type LimiterState = ReadonlyMap<string, Window>;

export interface HeldBack {
  readonly reason: string;
  readonly level: Level;
  readonly count: number;
}

export type Verdict =
  /** Write it; `heldBack` lines of the same reason came since the last one. */
  | { readonly kind: 'write'; readonly state: LimiterState; readonly heldBack: number }
  | { readonly kind: 'hold'; readonly state: LimiterState };

export const EMPTY_LIMITER: LimiterState = new Map();

/** Asks for one line; `nowMs` is monotonic. */
export function takeLine(state: LimiterState, reason: string, level: Level, nowMs: number): Verdict {
  const key = state.has(reason) || state.size < LIMIT_REASONS_MAX ? reason : OVERFLOW_REASON;
  const window = state.get(key);
  if (window === undefined || isOver(window, nowMs)) {
    const opened = new Map(state).set(key, { startMs: nowMs, level, heldBack: 0 });
    return { kind: 'write', state: opened, heldBack: window?.heldBack ?? 0 };
  }
  return { kind: 'hold', state: new Map(state).set(key, { ...window, level, heldBack: window.heldBack + 1 }) };
}

/**
 * Reasons whose window is over and that held lines back: each is due one line that says so, and that line opens its
 * next window. Windows that are over with nothing to say are forgotten.
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
      due.push({ reason, level: window.level, count: window.heldBack });
      next.set(reason, { startMs: nowMs, level: window.level, heldBack: 0 });
    }
  }
  return { state: next, due };
}

/** All that is held back, for the way out. */
export function heldBack(state: LimiterState): readonly HeldBack[] {
  return [...state]
    .filter(([, window]) => window.heldBack > 0)
    .map(([reason, window]) => ({ reason, level: window.level, count: window.heldBack }));
}

function isOver(window: Window, nowMs: number): boolean {
  return nowMs - window.startMs >= LIMIT_WINDOW_MS;
}
