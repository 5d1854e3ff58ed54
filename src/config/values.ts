import { ARGV, ConfigError, whereGiven, type Origin } from './errors.js';
import { showValue, specOf, type RawOption } from './option-names.js';
import { OPTIONS, type OptionName, type OptionValue } from './options.js';

export interface Given<T> {
  readonly value: T;
  readonly origin: Origin;
  /** Position among all options given: of two that fill one slot, the higher one counts. */
  readonly index: number;
}

/** The options given, read by their types. */
export class Values {
  readonly #given = new Map<OptionName, Given<unknown>[]>();
  readonly #raw: readonly RawOption[];

  /** Throws the first `ConfigError` among all occurrences, those that a later one overrides included. */
  constructor(raw: readonly RawOption[]) {
    this.#raw = raw;
    for (const [index, { name, value, origin }] of raw.entries()) {
      const parsed = specOf(name).type.parse(value ?? '');
      if (!parsed.ok) throw this.fault(name, parsed.problem, { index });
      const all = this.#given.get(name) ?? [];
      all.push({ value: parsed.value, origin, index });
      this.#given.set(name, all);
    }
  }

  /** The last occurrence. */
  get<N extends OptionName>(name: N): Given<OptionValue<N>> | undefined {
    // Values under a name were read by that name's type, in the constructor.
    return this.#given.get(name)?.at(-1) as Given<OptionValue<N>> | undefined;
  }

  /** Every occurrence, in order. */
  all<N extends OptionName>(name: N): readonly Given<OptionValue<N>>[] {
    return (this.#given.get(name) ?? []) as Given<OptionValue<N>>[];
  }

  has(name: OptionName): boolean {
    return this.#given.has(name);
  }

  count(name: OptionName): number {
    return this.#given.get(name)?.length ?? 0;
  }

  /** The value given, else the table's default. For options that have one. */
  valueOr<N extends OptionName>(name: N): OptionValue<N> {
    const given = this.get(name);
    if (given !== undefined) return given.value;
    const { default: written, type } = specOf(name);
    const parsed = written === undefined ? undefined : type.parse(written);
    if (parsed?.ok !== true) throw new TypeError(`option ${name} has no default`);
    return parsed.value as OptionValue<N>;
  }

  /** Names that were given, in the order of the table. */
  names(): readonly OptionName[] {
    return (Object.keys(OPTIONS) as OptionName[]).filter((name) => this.has(name));
  }

  /** An error about an option's value (by default the last one given) or, where there is none, about its absence. */
  fault(
    name: OptionName,
    problem: string,
    about: { readonly index?: number; readonly allowed?: string } = {},
  ): ConfigError {
    const raw = this.#raw[about.index ?? this.#given.get(name)?.at(-1)?.index ?? -1];
    return new ConfigError({
      option: name,
      value: raw?.value === undefined ? undefined : showValue(name, raw.value),
      origin: raw?.origin ?? ARGV,
      problem,
      allowed: about.allowed ?? specOf(name).type.allowed,
    });
  }

  /** A warning line about an option that was given. */
  warning(name: OptionName, said: string): string {
    return `${whereGiven(name, this.get(name)?.origin ?? ARGV)}${said}`;
  }
}
