/** After how much silence the kernel forgets a connection; what comes of it then is a new one, with a new draw. */
import { parseDuration } from './duration.js';
import { accept, refuse, type Parsed } from './parsed.js';

export const TIMEOUT_KEYS = ['tcp-connect-timeout', 'tcp-timeout', 'udp-connect-timeout', 'udp-timeout'] as const;
export type TimeoutKey = (typeof TIMEOUT_KEYS)[number];

/** Whole seconds, which is what the kernel counts in. What is missing is left to the host. */
export type Timeouts = Readonly<Partial<Record<TimeoutKey, number>>>;

export const TIMEOUT_FORMS = 'a time of whole seconds, such as 30s, 10m or 1h30m';

/** Total. */
export function parseTimeout(text: string): Parsed<number> {
  const parsed = parseDuration(text);
  if (!parsed.ok) return parsed;
  return parsed.value % 1000 === 0 ? accept(parsed.value / 1000) : refuse('is no number of whole seconds');
}

/** `tcp-timeout=600s udp-timeout=30s`, as words. */
export const formatTimeouts = (timeouts: Timeouts): readonly string[] =>
  TIMEOUT_KEYS.flatMap((key) => (timeouts[key] === undefined ? [] : [`${key}=${timeouts[key]}s`]));

export const hasTimeouts = (timeouts: Timeouts): boolean => Object.keys(timeouts).length > 0;
