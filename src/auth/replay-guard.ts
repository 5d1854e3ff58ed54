/**
 * Refuses signed packets that were accepted before. One guard stands for one key; `judge` decides before the signature
 * is checked, `accept` is called only when it was right, so nobody else can fill or move the guard.
 *
 *     time  ──spent──      ────── run ──────● newest, with the salts of that second
 *                                            └ fresh: any later time, or this second with another salt
 *
 * Signed times that follow each other closely make a run. Only the present run counts, until the clock shows that it was
 * accepted under a wrong one: then the present run ends more than a day ahead. It is set aside as spent, and time goes on
 * from the run before, so that no wrong clock, on either side, locks a key out for longer than a day. No time within
 * any run is accepted again.
 *
 * Not promised: a packet that was never accepted (lost, or refused for its time) is fresh whoever delivers it, as long
 * as nothing of a later second was accepted.
 */
import { BUILD_SECONDS, MAX_AHEAD_SECONDS, MAX_SALTS, MAX_SPENT_RUNS, MAX_TIME, RUN_GAP_SECONDS } from './constants.js';

/** Signed times, both ends included; Unix seconds. */
export interface Run {
  readonly from: number;
  readonly to: number;
}

export interface ReplayGuard {
  /** The present run; `to` is the newest time. */
  readonly run: Run;
  /** Salts accepted in the newest second. */
  readonly salts: readonly number[];
  /** The other runs, ascending and apart from each other. */
  readonly spent: readonly Run[];
}

export type GuardVerdict = 'fresh' | 'replayed' | 'older' | 'too-far-ahead';

/** A guard that has seen nothing and takes no time before `start`. */
export const newGuard = (start: number): ReplayGuard => ({ run: { from: start, to: start }, salts: [], spent: [] });

/** The latest time that a clock allows a packet to be signed at. A clock before the build date can't judge any. */
export const latestAllowed = (nowSeconds: number): number =>
  nowSeconds < BUILD_SECONDS ? Infinity : nowSeconds + MAX_AHEAD_SECONDS;

export function judge(guard: ReplayGuard, time: number, salt: number, nowSeconds: number): GuardVerdict {
  const latest = latestAllowed(nowSeconds);
  if (time > latest) return 'too-far-ahead';
  if (guard.spent.some((run) => holds(run, time))) return 'replayed';
  if (guard.run.to > latest) return judgeAgainstEarlierRuns(guard, time, latest);
  if (time > guard.run.to) return 'fresh';
  if (time < guard.run.to) return 'older';
  return guard.salts.includes(salt) || guard.salts.length >= MAX_SALTS ? 'replayed' : 'fresh';
}

/** The guard after a packet that was judged fresh and whose signature is right. */
export function accept(guard: ReplayGuard, time: number, salt: number): ReplayGuard {
  const { run, salts, spent } = guard;
  if (time === run.to) return { run, salts: [...salts, salt], spent };
  if (time > run.to && time - run.to <= RUN_GAP_SECONDS) {
    return { run: { from: run.from, to: time }, salts: [salt], spent };
  }
  return { run: { from: time, to: time }, salts: [salt], spent: withRun(spent, run) };
}

/** The guard of a server that starts under a sound clock and finds its guard far ahead of it. */
export function restartedAt(guard: ReplayGuard, start: number): ReplayGuard {
  return { ...newGuard(start), spent: withRun(guard.spent, guard.run) };
}

/** A guard that refuses all of `guard`'s times and the `seconds` after them. */
export function reservedFor(guard: ReplayGuard, seconds: number): ReplayGuard {
  return { ...guard, run: { from: guard.run.from, to: Math.min(guard.run.to + seconds + 1, MAX_TIME) }, salts: [] };
}

const holds = (run: Run, time: number): boolean => time >= run.from && time <= run.to;

function judgeAgainstEarlierRuns(guard: ReplayGuard, time: number, latest: number): GuardVerdict {
  if (holds(guard.run, time)) return 'replayed';
  return guard.spent.some((run) => run.to <= latest && time <= run.to) ? 'older' : 'fresh';
}

function withRun(spent: readonly Run[], run: Run): readonly Run[] {
  const runs: Run[] = [];
  for (const next of [...spent, run].sort((a, b) => a.from - b.from)) {
    const last = runs.at(-1);
    if (last !== undefined && next.from <= last.to) {
      runs[runs.length - 1] = { from: last.from, to: Math.max(last.to, next.to) };
    } else {
      runs.push(next);
    }
  }
  return runs.length > MAX_SPENT_RUNS ? withNearestJoined(runs) : runs;
}

/** Refuses a little more rather than forgetting anything. */
function withNearestJoined(runs: readonly Run[]): readonly Run[] {
  let nearest = 1;
  const gapBefore = (index: number): number => (runs[index]?.from ?? Infinity) - (runs[index - 1]?.to ?? 0);
  for (let index = 2; index < runs.length; index += 1) if (gapBefore(index) < gapBefore(nearest)) nearest = index;
  return runs.flatMap((run, index) => {
    if (index === nearest) return [];
    return index === nearest - 1 ? [{ from: run.from, to: runs[nearest]?.to ?? run.to }] : [run];
  });
}
