import { setTimeout as sleep } from 'node:timers/promises';

export interface WaitOptions {
  /** What is waited for, as the error shall name it. */
  readonly what: string;
  readonly timeoutMs?: number;
  readonly everyMs?: number;
}

const TIMEOUT_MS = 60_000;
const EVERY_MS = 50;

/**
 * Polls until the condition gives something else than false or undefined, and returns that.
 * The last poll happens at the end of the time, so a slow machine is never judged by an early look.
 */
export async function waitUntil<T>(
  condition: () => Promise<T | false | undefined> | T | false | undefined,
  { what, timeoutMs = TIMEOUT_MS, everyMs = EVERY_MS }: WaitOptions,
): Promise<T> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const last = performance.now() >= deadline;
    const value = await condition();
    if (value !== false && value !== undefined) return value;
    if (last) throw new Error(`waited ${timeoutMs} ms in vain: ${what}`);
    await sleep(everyMs);
  }
}
