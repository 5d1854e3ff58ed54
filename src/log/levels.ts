/** Most serious first; the names are those of the Python tool's log lines. */
export const LEVELS = ['FATAL', 'ERROR', 'WARN', 'INFO', 'DEBUG'] as const;

export type Level = (typeof LEVELS)[number];

/** From this verbosity on nothing is held back, stack traces included. */
export const VERBOSITY_EVERYTHING = 4;

/** Verbosity 0 shows errors, 1 warnings, 2 changes, 3 details; below 0 only what ends the program is said. */
export function isShown(level: Level, verbosity: number): boolean {
  return LEVELS.indexOf(level) <= Math.max(0, verbosity + 1);
}
