// A table, one row per option of the `egress` commands, read by their parser, by their help and by the manual.
import { DURATION_FORMS, parseDuration } from '../egress/duration.js';
import { flag, type ValueType } from './types.js';

export const EGRESS_VERBS = ['show', 'rotate', 'ban', 'unban'] as const;
export type EgressVerb = (typeof EGRESS_VERBS)[number];

export interface EgressOption<T> {
  readonly metavar?: string;
  readonly type: ValueType<T>;
  readonly verbs: readonly EgressVerb[];
  /** One line for the help text: lower case, no full stop. */
  readonly help: string;
}

const option = <T>(row: EgressOption<T>): EgressOption<T> => row;

const duration: ValueType<number> = { kind: 'form', allowed: DURATION_FORMS, parse: parseDuration };

/** By long name, in the order of the help text. */
export const EGRESS_OPTIONS = {
  for: option({ metavar: 'TIME', type: duration, verbs: ['ban'], help: 'ban: end the ban by itself after this time' }),
  'drop-established': option({
    type: flag,
    verbs: ['rotate', 'ban'],
    help: 'rotate, ban: end the connections that go on from an address that is left, instead of having them keep it',
  }),
  json: option({ type: flag, verbs: EGRESS_VERBS, help: 'print what there is afterwards as JSON' }),
} as const;

export type EgressOptionName = keyof typeof EGRESS_OPTIONS;
export const EGRESS_OPTION_NAMES = Object.keys(EGRESS_OPTIONS) as readonly EgressOptionName[];

/** The row with its value type forgotten. */
export const egressOption = (name: EgressOptionName): EgressOption<unknown> => EGRESS_OPTIONS[name];
