/** What `egress …` on the command line asks for. */
import { parseArgs } from 'node:util';
import { formatAddress, parseAddress, type IpAddress } from '../egress/address.js';
import {
  EGRESS_OPTION_NAMES,
  EGRESS_OPTIONS,
  EGRESS_VERBS,
  egressOption,
  type EgressOptionName,
  type EgressVerb,
} from './egress-options.js';
import { ConfigError } from './errors.js';
import { quoteValue } from './quote.js';

interface Asked {
  /** Which daemon; undefined: the one there is. */
  readonly name: string | undefined;
  readonly asJson: boolean;
}

export type EgressRequest =
  | { readonly verb: 'help' }
  | (Asked &
      (
        | { readonly verb: 'show' }
        | { readonly verb: 'rotate'; readonly dropEstablished: boolean }
        | {
            readonly verb: 'ban';
            readonly address: string;
            readonly forMs: number | undefined;
            readonly dropEstablished: boolean;
          }
        | { readonly verb: 'unban'; readonly address: string }
      ));

const PARSE_OPTIONS = Object.fromEntries(
  EGRESS_OPTION_NAMES.map((name) => {
    const type = egressOption(name).metavar === undefined ? ('boolean' as const) : ('string' as const);
    return [name, { type }];
  }),
);

/** The words behind `egress`. Throws `ConfigError`. */
export function parseEgress(words: readonly string[]): EgressRequest {
  const [first, ...rest] = words;
  if (words.some((word) => word === '-h' || word === '--help')) return { verb: 'help' };
  const verb = EGRESS_VERBS.find((one) => one === first);
  if (verb === undefined) {
    throw new ConfigError({
      ...(first !== undefined && { value: quoteValue(first) }),
      problem: first === undefined ? 'egress is to do nothing' : 'is nothing that egress does',
      allowed: EGRESS_VERBS.join(', '),
    });
  }
  const { options, others } = read(verb, rest);
  const asJson = options.has('json');
  const dropEstablished = options.has('drop-established');
  const takesAddress = verb === 'ban' || verb === 'unban';
  const address = takesAddress ? readAddress(others.shift()) : undefined;
  const name = others.shift();
  const [surplus] = others;
  if (surplus !== undefined) {
    throw new ConfigError({ value: quoteValue(surplus), problem: 'is not expected here', allowed: 'nothing more' });
  }
  if (address === undefined)
    return verb === 'show' ? { verb, name, asJson } : { verb: 'rotate', name, asJson, dropEstablished };
  const text = formatAddress(address);
  if (verb === 'unban') return { verb, address: text, name, asJson };
  return { verb: 'ban', address: text, forMs: options.get('for'), name, asJson, dropEstablished };
}

function read(
  verb: EgressVerb,
  words: readonly string[],
): { readonly options: ReadonlyMap<EgressOptionName, number | undefined>; readonly others: string[] } {
  const { tokens } = parseArgs({
    args: [...words],
    options: PARSE_OPTIONS,
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  const options = new Map<EgressOptionName, number | undefined>();
  const others: string[] = [];
  for (const token of tokens) {
    if (token.kind === 'option-terminator') continue;
    if (token.kind === 'positional') {
      others.push(token.value);
      continue;
    }
    const name = EGRESS_OPTION_NAMES.find((one) => one === token.name);
    if (name === undefined || !egressOption(name).verbs.includes(verb)) {
      const known = EGRESS_OPTION_NAMES.filter((one) => egressOption(one).verbs.includes(verb));
      throw new ConfigError({
        value: quoteValue(token.rawName),
        problem: `is no option of egress ${verb}`,
        allowed: known.map((one) => `--${one}`).join(', '),
      });
    }
    if (options.has(name)) throw new ConfigError({ option: name, problem: 'is given twice', allowed: 'once' });
    options.set(name, readValue(name, token.value));
  }
  return { options, others };
}

function readValue(name: EgressOptionName, text: string | undefined): number | undefined {
  if (name !== 'for') {
    if (text === undefined) return undefined;
    const problem = 'is a value, and the option takes none';
    throw new ConfigError({ option: name, value: quoteValue(text), problem, allowed: 'no value' });
  }
  const { type } = EGRESS_OPTIONS.for;
  if (text === undefined) {
    throw new ConfigError({ option: name, problem: 'the value is missing', allowed: type.allowed });
  }
  const parsed = type.parse(text);
  if (parsed.ok) return parsed.value;
  throw new ConfigError({ option: name, value: quoteValue(text), problem: parsed.problem, allowed: type.allowed });
}

function readAddress(text: string | undefined): IpAddress {
  const address = text === undefined ? undefined : parseAddress(text);
  if (address !== undefined) return address;
  throw new ConfigError({
    ...(text !== undefined && { value: quoteValue(text) }),
    problem: text === undefined ? 'the address is missing' : 'is not an IP address',
    allowed: 'one IPv4 or IPv6 address',
  });
}
