/**
 * What the state files hold: one line of JSON.
 *
 *     server  {"version":1,"guards":[{"key":"base64","run":[from,to],"salts":[…],"spent":[[from,to],…]},…]}
 *     client  {"version":1,"lastSigned":seconds}
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

export function formatGuards(guards: Guards): string {
  const entries = [...guards].map(([key, { run, salts, spent }]) => ({
    key,
    run: [run.from, run.to],
    salts,
    spent: spent.map(({ from, to }) => [from, to]),
  }));
  return `${JSON.stringify({ version: VERSION, guards: entries })}\n`;
}

export function parseGuards(text: string): Outcome<Guards, StateFault> {
  const body = parseBody(text);
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

export const formatLastSigned = (seconds: number): string =>
  `${JSON.stringify({ version: VERSION, lastSigned: seconds })}\n`;

/** Unix seconds. */
export function parseLastSigned(text: string): Outcome<number, StateFault> {
  const body = parseBody(text);
  if (!body.ok) return body;
  const seconds = body.value['lastSigned'];
  return isTime(seconds) ? success(seconds) : failure({ kind: 'damaged' });
}

function parseBody(text: string): Outcome<Record<string, unknown>, StateFault> {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    return failure({ kind: 'damaged' });
  }
  if (!isRecord(body)) return failure({ kind: 'damaged' });
  const version = body['version'];
  if (!isWhole(version, Number.MAX_SAFE_INTEGER)) return failure({ kind: 'damaged' });
  return version === VERSION ? success(body) : failure({ kind: 'other-version', version });
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
