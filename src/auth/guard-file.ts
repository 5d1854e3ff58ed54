/** The replay guards of a server and the last signed time of a client, across restarts. */
import { bootId } from '../sys/boot-id.js';
import { MAX_AHEAD_SECONDS, MAX_TIME } from './constants.js';
import { failure } from './errors.js';
import type { Outcome, StateFault } from './errors.js';
import { formatGuards, formatLastSigned, parseGuards, parseLastSigned } from './guard-text.js';
import type { Guards, Live } from './guard-text.js';
import type { PublicKey } from './keys.js';
import { latestAllowed, newGuard, reservedFor, restartedAt } from './replay-guard.js';
import type { ReplayGuard } from './replay-guard.js';
import { readStateFile } from './state-file.js';
import { SAVE_INTERVAL_MS, StateSaver } from './state-saver.js';
import type { SaverOptions } from './state-saver.js';

export interface LoadedGuards {
  readonly guards: Guards;
  /** What to tell the administrator: from now on a packet captured before this start may be taken for new. */
  readonly fault?: StateFault;
}

/** `nowSeconds`: the server's start time. Guards from the future come back set aside, with the start as newest time. */
export async function loadGuards(path: string, nowSeconds: number): Promise<LoadedGuards> {
  const text = await readStateFile(path);
  const parsed = text.ok ? parseGuards(text.value, bootId()) : text;
  if (!parsed.ok) return { guards: new Map(), fault: parsed.fault };
  const newest = Math.max(0, ...[...parsed.value.values()].map((guard) => guard.run.to));
  if (newest <= latestAllowed(nowSeconds)) return { guards: parsed.value };
  const guards = new Map([...parsed.value].map(([key, guard]) => [key, atStart(guard, nowSeconds)]));
  return { guards, fault: { kind: 'from-the-future', newest } };
}

/** How a key is named in the file. */
export const guardKey = (key: PublicKey): string => key.raw.toString('base64');

/** The guard to start a peer with; where nothing is known of its key, no time before the start is taken. */
export const guardAtStart = (loaded: LoadedGuards, key: PublicKey, nowSeconds: number): ReplayGuard =>
  loaded.guards.get(guardKey(key)) ?? newGuard(nowSeconds);

type EdgeOptions = Pick<SaverOptions<never>, 'path' | 'onError' | 'timers' | 'disk'>;

/**
 * Every change is a new map. While a save waits the file refuses the seconds that the wait may bring, so that a crash of
 * the machine opens nothing to replays.
 */
export const guardSaver = (options: EdgeOptions): StateSaver<Guards> =>
  new StateSaver<Guards>({ ...options, format: withLive(formatGuards), standIn: { make: reserved, covers } });

/** Unix seconds. A time that no server can have accepted is a fault, as the clock stands now. */
export async function loadLastSigned(path: string, nowSeconds: number): Promise<Outcome<number, StateFault>> {
  const text = await readStateFile(path);
  const parsed = text.ok ? parseLastSigned(text.value, bootId()) : text;
  if (!parsed.ok || parsed.value <= latestAllowed(nowSeconds)) return parsed;
  return failure({ kind: 'from-the-future', newest: parsed.value });
}

/**
 * While a save waits the file is ahead of what is signed within the wait: after a crash of the machine nothing is signed
 * below what a server may have accepted, even if the clock has stepped back since.
 */
export const lastSignedSaver = (options: EdgeOptions): StateSaver<number> =>
  new StateSaver<number>({
    ...options,
    format: withLive(formatLastSigned),
    standIn: {
      make: (seconds) => Math.min(seconds + RESERVED_SECONDS, MAX_TIME),
      covers: (written, seconds) => written >= seconds,
    },
  });

/** How far ahead of what is signed, or accepted, a file may be. */
export const RESERVED_SECONDS = SAVE_INTERVAL_MS / 1000;

/** On a machine that doesn't name its boots nothing counts but what is kept. */
function withLive<T>(format: (kept: T, live?: Live<T>) => string): (kept: T, live: T | undefined) => string {
  const boot = bootId();
  return (kept, live) => format(kept, boot === undefined || live === undefined ? undefined : { boot, value: live });
}

function reserved(guards: Guards): Guards {
  return new Map([...guards].map(([key, guard]) => [key, reservedFor(guard, RESERVED_SECONDS)]));
}

function covers(written: Guards, guards: Guards): boolean {
  return [...guards].every(([key, guard]) => {
    const kept = written.get(key);
    return kept !== undefined && (kept === guard || kept.run.to > guard.run.to);
  });
}

function atStart(guard: ReplayGuard, nowSeconds: number): ReplayGuard {
  return guard.run.to > nowSeconds + MAX_AHEAD_SECONDS ? restartedAt(guard, nowSeconds) : guard;
}
