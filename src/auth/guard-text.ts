/**
 * What the state files hold: one line of JSON.
 *
 *     server  {"version":1,"guards":[{"key":"base64","run":[from,to],"salts":[…],"spent":[[from,to],…]},…],
 *              "live":{"boot":"…","guards":[…]}}
 *     client  {"version":1,"lastSigned":seconds,"live":{"boot":"…","lastSigned":seconds}}
 *
 * `live` is what counts for as long as the machine has not been booted anew: the kernel may still have had it in its hands
 * alone, and it is there only where the rest says more than has happened.
 *
 * The parsers are total, and what they return is what `replay-guard.ts` could have made.
 */
import { KEY_LENGTH, MAX_SALTS, MAX_SPENT_RUNS, MAX_TIME } from './constants.js';
import { failure, success } from './errors.js';
import type { Outcome, StateFault } from './errors.js';
import { decodeBase64 } from './keys.js';
import type { ReplayGuard, Run } from './replay-guard.js';

const VERSION = 1;

/** By the raw public key in base64, so that another key never inherits a guard. */
export type Guards = ReadonlyMap<string, ReplayGuard>;

/** What counts on this boot, beside what is kept for the next. */
export interface Live<T> {
  /** As `sys/boot-id` gives it. */
  readonly boot: string;
  readonly value: T;
}

export function formatGuards(kept: Guards, live?: Live<Guards>): string {
  const told = live === undefined ? {} : { live: { boot: live.boot, guards: entriesOf(live.value) } };
  return `${JSON.stringify({ version: VERSION, guards: entriesOf(kept), ...told })}\n`;
}

function entriesOf(guards: Guards): object[] {
  return [...guards].map(([key, { run, salts, spent }]) => ({
    key,
    run: [run.from, run.to],
    salts,
    spent: spent.map(({ from, to }) => [from, to]),
  }));
}

export function parseGuards(text: string, boot?: string): Outcome<Guards, StateFault> {
  const body = parseBody(text, boot);
  if (!body.ok) return body;
  const entries = body.value['guards'];
  if (!Array.isArray(entries)) return failure({ kind: 'damaged' });
  const guards = new Map<string, ReplayGuard>();
  for (const entry of entries as unknown[]) {
    const guard = isRecord(entry) ? guardOf(entry) : undefined;
    if (guard === undefined || guards.has(guard.key)) return failure({ kind: 'damaged' });
    guards.set(guard.key, guard.guard);
  }
  return success(guards);
}

/** Unix seconds. */
export function formatLastSigned(kept: number, live?: Live<number>): string {
  const told = live === undefined ? {} : { live: { boot: live.boot, lastSigned: live.value } };
  return `${JSON.stringify({ version: VERSION, lastSigned: kept, ...told })}\n`;
}

/** Unix seconds. */
export function parseLastSigned(text: string, boot?: string): Outcome<number, StateFault> {
  const body = parseBody(text, boot);
  if (!body.ok) return body;
  const seconds = body.value['lastSigned'];
  return isTime(seconds) ? success(seconds) : failure({ kind: 'damaged' });
}

/** The object with what counts now: that of `live` where it is of this boot. */
function parseBody(text: string, boot: string | undefined): Outcome<Record<string, unknown>, StateFault> {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    return failure({ kind: 'damaged' });
  }
  if (!isRecord(body)) return failure({ kind: 'damaged' });
  const version = body['version'];
  if (!isWhole(version, Number.MAX_SAFE_INTEGER)) return failure({ kind: 'damaged' });
  if (version !== VERSION) return failure({ kind: 'other-version', version });
  const { live } = body;
  if (live === undefined) return success(body);
  if (!isRecord(live)) return failure({ kind: 'damaged' });
  return success(boot !== undefined && live['boot'] === boot ? live : body);
}

function guardOf(entry: Record<string, unknown>): { key: string; guard: ReplayGuard } | undefined {
  const { key, run: runPair, salts, spent: spentPairs } = entry;
  const run = runOf(runPair);
  if (!isKey(key) || run === undefined || !isSalts(salts) || !Array.isArray(spentPairs)) return undefined;
  if (spentPairs.length > MAX_SPENT_RUNS) return undefined;
  const spent: Run[] = [];
  for (const pair of spentPairs as unknown[]) {
    const next = runOf(pair);
    if (next === undefined || next.from <= (spent.at(-1)?.to ?? -1)) return undefined;
    spent.push(next);
  }
  return { key, guard: { run, salts, spent } };
}

function runOf(pair: unknown): Run | undefined {
  if (!Array.isArray(pair) || pair.length !== 2) return undefined;
  const [from, to] = pair as [unknown, unknown];
  return isTime(from) && isTime(to) && from <= to ? { from, to } : undefined;
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const isWhole = (value: unknown, max: number): value is number =>
  Number.isInteger(value) && (value as number) >= 0 && (value as number) <= max;

const isTime = (value: unknown): value is number => isWhole(value, MAX_TIME);

const isSalts = (value: unknown): value is readonly number[] =>
  Array.isArray(value) && value.length <= MAX_SALTS && value.every((salt) => isWhole(salt, 0xffff_ffff));

function isKey(value: unknown): value is string {
  const raw = typeof value === 'string' ? decodeBase64(value) : undefined;
  return raw?.ok === true && raw.value.length === KEY_LENGTH;
}
