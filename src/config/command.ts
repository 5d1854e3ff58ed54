import { ConfigError } from './errors.js';
import type { RawOption } from './option-names.js';

export type Mode = 'server' | 'client';

export type Command = 'help' | 'version' | 'keygen' | 'server' | 'client' | 'reauth' | Word;

/** Commands that are words, and come first: `ipipou-ts doctor -s`. */
const WORDS = ['doctor'] as const;

export type Word = (typeof WORDS)[number];

/** The command's word, where there is one, and the options behind it. */
export function splitWord(argv: readonly string[]): {
  readonly word: Word | undefined;
  readonly options: readonly string[];
} {
  const word = WORDS.find((one) => one === argv[0]);
  return { word, options: word === undefined ? argv : argv.slice(1) };
}

/** Of `-c` and `-s` the last counts; with neither it is the client. */
export function chooseMode(raw: readonly RawOption[]): Mode {
  return raw.findLast(({ name }) => name === 'client' || name === 'server')?.name === 'server' ? 'server' : 'client';
}

/**
 * What word and options ask for; a server that is to reauthenticate is refused when it is resolved. Throws `ConfigError`
 * for an option that belongs to another command than the word.
 */
export function chooseCommand(raw: readonly RawOption[], word?: Word): Command {
  const printer = raw.find(({ name }) => name === 'help' || name === 'version')?.name;
  if (printer !== undefined) return printer === 'help' ? 'help' : 'version';
  const given = (wanted: RawOption['name']): boolean => raw.some(({ name }) => name === wanted);
  refuseStrangers(raw, word);
  if (word !== undefined) return word;
  if (given('auth-keygen')) return 'keygen';
  const mode = chooseMode(raw);
  return mode === 'client' && given('reauth-only') ? 'reauth' : mode;
}

/** Options that are commands themselves, and options of one command only. */
function refuseStrangers(raw: readonly RawOption[], word: Word | undefined): void {
  for (const { name, origin } of raw) {
    if (word === undefined && name === 'json') {
      throw new ConfigError({
        option: name,
        origin,
        problem: 'needs a command that prints JSON',
        allowed: 'with doctor',
      });
    }
    if (word !== undefined && (name === 'auth-keygen' || name === 'reauth-only')) {
      throw new ConfigError({
        option: name,
        origin,
        problem: `is another command than ${word}`,
        allowed: 'one of the two',
      });
    }
  }
}
