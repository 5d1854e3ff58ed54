import { inspect } from 'node:util';

/** Causes followed behind an error; a chain that leads back into itself ends somewhere. */
const CAUSES_MAX = 5;

/** The error and what caused it, in one line. */
export function describeError(error: unknown): string {
  const said: string[] = [];
  let cause: unknown = error;
  for (let followed = 0; cause !== undefined && followed < CAUSES_MAX; followed++) {
    const text = cause instanceof Error ? cause.message || cause.name : inspect(cause);
    // Some errors are another's words with an exit code, or tell of their cause themselves.
    if (said.at(-1)?.includes(text) !== true) said.push(text);
    cause = cause instanceof Error ? cause.cause : undefined;
  }
  return said.join(': ').replace(/\s*\n\s*/g, ' ');
}
