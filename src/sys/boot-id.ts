import { readFileSync } from 'node:fs';

/** Random, and another one with every boot (random(4)); undefined where /proc doesn't say. */
export function bootId(): string | undefined {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return undefined;
  }
}
