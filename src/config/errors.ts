import { oneLine } from './quote.js';

/** Where an option was given. Lines count from 1. */
export type Origin =
  | { readonly kind: 'argv' }
  | { readonly kind: 'file'; readonly path: string; readonly line: number }
  /** What another option or systemd pointed to; `of` is ready to be shown. */
  | { readonly kind: 'contents'; readonly of: string };

export const ARGV: Origin = { kind: 'argv' };

export interface ConfigProblem {
  /** Long name without hyphens; undefined where no option is concerned (a positional argument, an unreadable file). */
  readonly option?: string | undefined;
  /** The value at fault, ready to be shown: quoted, and hidden where it is secret. */
  readonly value?: string | undefined;
  readonly origin?: Origin | undefined;
  /** What is wrong; read after the value where there is one: `'x' is not a whole number`. */
  readonly problem: string;
  /** What would be right, or the way out. */
  readonly allowed: string;
}

/**
 * A mistake in what the user wrote. The message is one line:
 * `/etc/ipipou/x.conf:3: number: 'abc' is not a whole number; allowed: 0 to 65535`.
 */
export class ConfigError extends Error {
  readonly code = 'ERR_CONFIG';
  readonly option: string | undefined;
  readonly value: string | undefined;
  readonly origin: Origin;
  readonly allowed: string;

  constructor(fields: ConfigProblem) {
    const origin = fields.origin ?? ARGV;
    const said = fields.value === undefined ? fields.problem : `${fields.value} ${fields.problem}`;
    super(`${whereGiven(fields.option, origin)}${said}; allowed: ${fields.allowed}`);
    this.name = 'ConfigError';
    this.option = fields.option;
    this.value = fields.value;
    this.origin = origin;
    this.allowed = fields.allowed;
  }
}

/** The option as the user would find it: `--number: `, `/etc/ipipou/x.conf:3: number: `, `--auth-key-file: in /k: `. */
export function whereGiven(option: string | undefined, origin: Origin): string {
  if (origin.kind === 'contents') return `${origin.of}: `;
  if (origin.kind === 'argv') return option === undefined ? '' : `--${option}: `;
  const place = `${oneLine(origin.path)}:${origin.line}: `;
  return option === undefined ? place : `${place}${option}: `;
}
