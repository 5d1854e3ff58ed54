import { parseArgs } from 'node:util';
import { ConfigError } from './errors.js';
import { quoteValue } from './quote.js';
import { RANDMAP_OPTION_NAMES, randmapOption, type RandmapOptionName, type RandmapValue } from './randmap-options.js';

const PARSE_OPTIONS = Object.fromEntries(
  RANDMAP_OPTION_NAMES.map((name) => {
    const { short, metavar } = randmapOption(name);
    const type = metavar === undefined ? ('boolean' as const) : ('string' as const);
    return [name, short === undefined ? { type } : { type, short }];
  }),
);

/** The options behind `randmap add HOOK`, each once, read by their types. Throws `ConfigError`. */
export class RandmapValues {
  private readonly given = new Map<RandmapOptionName, { readonly text: string; readonly value: unknown }>();

  constructor(words: readonly string[]) {
    const { tokens } = parseArgs({
      args: [...words],
      options: PARSE_OPTIONS,
      strict: false,
      allowPositionals: true,
      tokens: true,
    });
    for (const token of tokens) {
      if (token.kind === 'option-terminator') continue;
      const written = token.kind === 'positional' ? token.value : token.rawName;
      const name = token.kind === 'positional' ? undefined : RANDMAP_OPTION_NAMES.find((one) => one === token.name);
      if (name === undefined || token.kind === 'positional') throw unexpected(written);
      this.take(name, token.value, token.inlineValue === true);
    }
  }

  get<N extends RandmapOptionName>(name: N): RandmapValue<N> | undefined {
    // Values under a name were read by that name's type.
    return this.given.get(name)?.value as RandmapValue<N> | undefined;
  }

  /** The first of these options that was given. */
  firstOf(names: readonly RandmapOptionName[]): RandmapOptionName | undefined {
    return names.find((name) => this.given.has(name));
  }

  /** An error about an option, with the value it was given. */
  fault(name: RandmapOptionName, problem: string, allowed: string): ConfigError {
    const text = this.given.get(name)?.text;
    const value = text === undefined || text === '' ? undefined : quoteValue(text);
    return new ConfigError({ option: name, value, problem, allowed });
  }

  private take(name: RandmapOptionName, text: string | undefined, isInline: boolean): void {
    const { type, metavar } = randmapOption(name);
    if (metavar === undefined && text !== undefined) {
      throw new ConfigError({
        option: name,
        value: quoteValue(text),
        problem: 'is a value, and the option takes none',
        allowed: 'no value',
      });
    }
    if (metavar !== undefined && (text === undefined || (!isInline && text.startsWith('-')))) {
      throw new ConfigError({ option: name, problem: 'the value is missing', allowed: type.allowed });
    }
    if (this.given.has(name)) throw new ConfigError({ option: name, problem: 'is given twice', allowed: 'once' });
    const parsed = type.parse(text ?? '');
    this.given.set(name, { text: text ?? '', value: parsed.ok ? parsed.value : undefined });
    if (!parsed.ok) throw this.fault(name, parsed.problem, type.allowed);
  }
}

const unexpected = (written: string): ConfigError =>
  new ConfigError({
    value: quoteValue(written),
    problem: 'is not expected here',
    allowed: 'the options that `randmap --help` lists',
  });
