import type { ValueType } from './types.js';

/** Headings of `--help` and of the man page, in their order. */
export const GROUPS = [
  'Commands',
  'Mode',
  'Authentication',
  'Server only',
  'Client only',
  'Outer side (UDP)',
  'Inner side (the tunnel)',
  'System',
  'Log',
] as const;

export type Group = (typeof GROUPS)[number];

/** Where an option has an effect; `command`: it chooses what to do, or says how to read the rest. */
export type Scope = 'server' | 'client' | 'both' | 'command';

/** All that is known of one option. Parser, `--help`, manual and completion read it from here. */
export interface OptionSpec<T> {
  /** One letter, without the hyphen. */
  readonly short?: string;
  /** Name of the value in help texts; every option that takes one has it. */
  readonly metavar?: string;
  readonly type: ValueType<T>;
  /** Taken where the option is not given, as it would be written. */
  readonly default?: string;
  /** What happens where the option is not given, and no fixed value says so. */
  readonly defaultWords?: string;
  readonly scope: Scope;
  readonly group: Group;
  /** For `--help`, where it has one line with the default: lower case, no full stop. */
  readonly help: string;
  /** What the man page says besides: a sentence without its full stop. */
  readonly more?: string;
  /** Every occurrence counts; else the last one does. */
  readonly repeatable?: true;
  /** The value never appears in messages. */
  readonly secret?: true;
  /** ipipou has no option of that name: the beginnings that belong to one of its own stay that one's. */
  readonly ownName?: true;
  /** Version of this program that brought it. */
  readonly since: string;
}

/** Keeps the type of one table row's value while the row is checked. */
export const option = <T>(spec: OptionSpec<T>): OptionSpec<T> => spec;
