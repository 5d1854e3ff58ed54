import { ConfigError, type Origin } from './errors.js';
import type { OptionSpec } from './option-spec.js';
import { OPTION_NAMES, OPTIONS, type OptionName } from './options.js';
import { quoteSecret, quoteValue } from './quote.js';

/** One option as it was written; `value` is undefined for a flag, and for nothing else. */
export interface RawOption {
  readonly name: OptionName;
  readonly value: string | undefined;
  readonly origin: Origin;
}

/** What was read up to the first mistake, and that mistake. */
export interface RawOptions {
  readonly options: readonly RawOption[];
  readonly fault?: ConfigError;
}

type Found =
  | { readonly kind: 'found'; readonly name: OptionName }
  | { readonly kind: 'ambiguous'; readonly candidates: readonly OptionName[] }
  | { readonly kind: 'unknown' };

/** The table's row with its value type forgotten, for those who only need the words. */
export function specOf(name: OptionName): OptionSpec<unknown> {
  return OPTIONS[name];
}

export function takesValue(name: OptionName): boolean {
  return specOf(name).type.kind !== 'flag';
}

/** A whole long name wins, else a beginning that only one name has, or only one that ipipou knows too. */
export function findLong(written: string): Found {
  const exact = OPTION_NAMES.find((name) => name === written);
  if (exact !== undefined) return { kind: 'found', name: exact };
  const candidates = written === '' ? [] : OPTION_NAMES.filter((name) => name.startsWith(written));
  if (candidates.length === 0) return { kind: 'unknown' };
  const shared = candidates.filter((name) => specOf(name).ownName !== true);
  const [only, ...others] = shared.length > 0 ? shared : candidates;
  return only !== undefined && others.length === 0 ? { kind: 'found', name: only } : { kind: 'ambiguous', candidates };
}

export function findShort(letter: string): Found {
  const name = OPTION_NAMES.find((one) => specOf(one).short === letter);
  return name === undefined ? { kind: 'unknown' } : { kind: 'found', name };
}

/**
 * `written` with the hyphens it had, if any. A separator that is mistyped or lacking makes a secret part of the name, and
 * one that goes on in the next line looks like one: of that nothing is shown. `behind`: the option in front of it, where
 * it may be part of its value.
 */
export function nameFault(
  written: string,
  found: Exclude<Found, { kind: 'found' }>,
  origin: Origin,
  behind?: RawOption,
): ConfigError {
  if (found.kind === 'unknown' && behind !== undefined && isSecret(behind.name)) {
    const problem = `is not an option; it may belong to the value of ${behind.name} before it`;
    return new ConfigError({ origin, value: quoteSecret(written), problem, allowed: 'the options that --help lists' });
  }
  const value = showName(written);
  return found.kind === 'unknown'
    ? new ConfigError({ origin, value, problem: 'is not an option', allowed: 'the options that --help lists' })
    : new ConfigError({ origin, value, problem: 'is ambiguous', allowed: found.candidates.join(', ') });
}

/** As far as names of options go, and no further than that of an option with a secret behind it. */
function showName(written: string): string {
  const [hyphens = ''] = /^-*/.exec(written) ?? [];
  const name = written.slice(hyphens.length);
  if (name.length <= 1) return quoteValue(written);
  const [plain = ''] = /^[a-z0-9-]*/.exec(name) ?? [];
  const glued = SECRET_NAMES.filter((one) => plain.startsWith(one)).reduce((a, b) => (b.length > a.length ? b : a), '');
  const shown = glued === '' ? plain : glued;
  return shown === name ? quoteValue(written) : `'${hyphens}${shown}…'`;
}

export const isSecret = (name: OptionName): boolean => specOf(name).secret === true;

const SECRET_NAMES = OPTION_NAMES.filter(isSecret);

/** A value of the option as a message may show it. */
export function showValue(name: OptionName, value: string): string {
  return isSecret(name) ? quoteSecret(value) : quoteValue(value);
}

export function missingValue(name: OptionName, origin: Origin): ConfigError {
  return new ConfigError({ option: name, origin, problem: 'the value is missing', allowed: specOf(name).type.allowed });
}

export function unwantedValue(name: OptionName, value: string, origin: Origin): ConfigError {
  return new ConfigError({
    option: name,
    origin,
    value: quoteValue(value),
    problem: 'is a value, and the option takes none',
    allowed: 'no value',
  });
}
