/** How long something lasts, as users write it. */
import { accept, refuse, type Parsed } from './parsed.js';

export const DURATION_FORMS = 'a time such as 100ms, 30s, 10m, 1h30m or 7d';

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
/** The longest a Node.js timer waits, 24.8 days. */
export const DURATION_MAX_MS = 2 ** 31 - 1;

/** Milliseconds, from numbers with units as Go writes them too (`1h30m`); a number alone is seconds. Total. */
export function parseDuration(text: string): Parsed<number> {
  if (/^[0-9]{1,10}$/.test(text)) return bounded(Number(text) * 1000);
  // Bounded, for the length of a number that a regular expression takes its time over.
  if (text.length > 40 || !/^([0-9]+(\.[0-9]+)?(ms|[smhd]))+$/.test(text)) return refuse('is not a time');
  let sum = 0;
  for (const [, number = '', unit = ''] of text.matchAll(/([0-9.]+)(ms|[smhd])/g)) {
    sum += Number(number) * (UNIT_MS[unit] ?? 0);
  }
  return bounded(Math.round(sum));
}

function bounded(milliseconds: number): Parsed<number> {
  if (milliseconds > DURATION_MAX_MS) return refuse('is longer than 24 days');
  return milliseconds < 1 ? refuse('is no time at all') : accept(milliseconds);
}

/** `1h30m`, `250ms`: what `parseDuration` reads back. */
export function formatDuration(milliseconds: number): string {
  let rest = Math.round(milliseconds);
  let words = '';
  for (const unit of ['d', 'h', 'm', 's', 'ms']) {
    const length = UNIT_MS[unit] ?? 1;
    const count = Math.floor(rest / length);
    rest -= count * length;
    if (count > 0) words += `${count}${unit}`;
  }
  return words === '' ? '0s' : words;
}
