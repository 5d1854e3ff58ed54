import type { Mode } from './command.js';
import { whereGiven } from './errors.js';
import { specOf } from './option-names.js';
import type { Values } from './values.js';

/** Options of the other side are taken, so that one file can serve both, but never in silence. */
export function warnOfWrongSide(values: Values, mode: Mode): string[] {
  const otherSide = mode === 'server' ? 'client' : 'server';
  return values
    .names()
    .filter((name) => specOf(name).scope === otherSide)
    .map((name) => values.warning(name, `has no effect on a ${mode}`));
}

/** A file that names another one is taken as ipipou takes it: the other one isn't read, but here that is said. */
export function warnOfNesting(values: Values): string[] {
  return values
    .all('config')
    .filter(({ origin }) => origin.kind === 'file')
    .map(({ origin }) => `${whereGiven('config', origin)}has no effect in a file: name both on the command line`);
}
