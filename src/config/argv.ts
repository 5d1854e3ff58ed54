import { parseArgs } from 'node:util';
import { ARGV, ConfigError } from './errors.js';
import {
  findLong,
  findShort,
  isSecret,
  missingValue,
  nameFault,
  specOf,
  takesValue,
  unwantedValue,
} from './option-names.js';
import type { RawOption, RawOptions } from './option-names.js';
import { OPTION_NAMES } from './options.js';
import { quoteSecret, quoteValue } from './quote.js';

const PARSE_OPTIONS = Object.fromEntries(
  OPTION_NAMES.map((name) => {
    const { short } = specOf(name);
    const type = takesValue(name) ? ('string' as const) : ('boolean' as const);
    return [name, short === undefined ? { type } : { type, short }];
  }),
);

/**
 * Reads the words behind the program's name: `--long VAL`, `--long=VAL`, any beginning of a long name that only one
 * has, `-x VAL`, `-xVAL`, `-x=VAL`, and clusters (`-vvn0`). A word that begins with a hyphen is a value only behind `=`,
 * or if it is `-` or a negative number. Total: stops at the first mistake and returns it with what came before it.
 */
export function parseArgv(argv: readonly string[]): RawOptions {
  const { tokens } = parseArgs({
    args: argv.map(expandLongName),
    options: PARSE_OPTIONS,
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  const options: RawOption[] = [];
  for (const token of tokens) {
    if (token.kind === 'option-terminator') continue;
    if (token.kind === 'positional') return { options, fault: strayWord(token.value, options.at(-1)) };
    const isLong = token.rawName.startsWith('--');
    const found = isLong ? findLong(token.name) : findShort(token.rawName.slice(1));
    if (found.kind !== 'found') return { options, fault: nameFault(token.rawName, found, ARGV) };
    const { name } = found;
    if (!takesValue(name)) {
      if (token.value !== undefined) return { options, fault: unwantedValue(name, token.value, ARGV) };
      options.push({ name, value: undefined, origin: ARGV });
      continue;
    }
    if (token.value === undefined || (!token.inlineValue && looksLikeOption(token.value))) {
      return { options, fault: missingValue(name, ARGV) };
    }
    const value = !isLong && token.inlineValue ? token.value.replace(/^=/, '') : token.value;
    options.push({ name, value, origin: ARGV });
  }
  return { options };
}

/** Behind an option with a secret it is the rest of that, for want of quotes. */
function strayWord(word: string, before: RawOption | undefined): ConfigError {
  const isRest = before !== undefined && isSecret(before.name);
  return new ConfigError({
    value: isRest ? quoteSecret(word) : quoteValue(word),
    problem: isRest ? `is not expected behind --${before.name}` : 'is not expected here',
    allowed: isRest ? 'options only, and values with blanks in quotes' : 'options only',
  });
}

/** `--num=3` as `--number=3`: parseArgs has to know the option to know whether a value follows. */
function expandLongName(word: string): string {
  const [, written, rest] = /^--([^=]+)(.*)$/s.exec(word) ?? [];
  if (written === undefined || rest === undefined) return word;
  const found = findLong(written);
  return found.kind === 'found' ? `--${found.name}${rest}` : word;
}

function looksLikeOption(word: string): boolean {
  return word.length > 1 && word.startsWith('-') && !/^-(\d+|\d*\.\d+)$/.test(word);
}
