import { ConfigError, EXIT_CODES, type ExitCode } from '../config/index.js';

/** The exit code that an error stands for: its own `exitCode` where it has one, 2 for the user's mistakes, else 1. */
export function exitCodeOf(error: unknown): ExitCode {
  if (error instanceof ConfigError) return EXIT_CODES.arguments.code;
  const own = error instanceof Error && 'exitCode' in error ? error.exitCode : undefined;
  return Object.values(EXIT_CODES).find(({ code }) => code === own)?.code ?? EXIT_CODES.generic.code;
}

/** `(exit code 52: the tunnel device could not be set up)` */
export function describeExit(code: ExitCode): string {
  const meaning = Object.values(EXIT_CODES).find((row) => row.code === code)?.meaning ?? EXIT_CODES.generic.meaning;
  return `(exit code ${code}: ${meaning})`;
}
