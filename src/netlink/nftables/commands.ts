/**
 * Objects of the ruleset as the commands that `nft` makes them by: lines for `nft -f` (nft(8)). Some hold a semicolon,
 * and as arguments in a shell want quotes.
 */
import type { ChainRef, ChainSpec } from './chain.js';
import { formatFields, type DataType } from './data-type.js';
import type { ElementSpec } from './element.js';
import type { RuleSpec } from './rule.js';
import type { SetSpec } from './set.js';
import type { TableRef, TableSpec } from './table.js';

const DURATION_UNITS = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1000],
  ['ms', 1],
] as const;

/** A rule with its expressions in nft's words. */
export interface WordedRule extends RuleSpec {
  readonly text: string;
}

export function addTableCommand({ family, name, comment }: TableSpec): string {
  const content = comment === undefined ? '' : ` { ${commentText(comment)}; }`;
  return `add table ${family} ${name}${content}`;
}

export const deleteTableCommand = ({ family, name }: TableRef): string => `delete table ${family} ${name}`;

export function addSetCommand(set: SetSpec): string {
  const { data, size, defaultTimeoutMs, comment } = set;
  const types = data === undefined ? typesText(set.key) : `${typesText(set.key)} : ${typesText(data)}`;
  const flags = [
    ...(set.dynamic === true ? ['dynamic'] : []),
    ...(set.timeouts === true || defaultTimeoutMs !== undefined ? ['timeout'] : []),
  ];
  const content = [
    `type ${types}`,
    ...(size === undefined ? [] : [`size ${size}`]),
    ...(flags.length === 0 ? [] : [`flags ${flags.join(',')}`]),
    ...(defaultTimeoutMs === undefined ? [] : [`timeout ${durationText(defaultTimeoutMs)}`]),
    ...(comment === undefined ? [] : [commentText(comment)]),
  ];
  return `add ${data === undefined ? 'set' : 'map'} ${place(set)} { ${content.join('; ')}; }`;
}

export function addChainCommand(chain: ChainSpec): string {
  const { base, comment } = chain;
  const content: string[] = [];
  if (base !== undefined) {
    const device = base.device === undefined ? '' : ` device ${quoteDevice(base.device)}`;
    content.push(`type ${base.type} hook ${base.hook}${device} priority ${base.priority}`, `policy ${base.policy}`);
  }
  if (comment !== undefined) content.push(commentText(comment));
  return `add chain ${place(chain)}${content.length === 0 ? '' : ` { ${content.join('; ')}; }`}`;
}

export const flushChainCommand = (chain: ChainRef): string => `flush chain ${place(chain)}`;

export function addRuleCommand({ family, table, chain, text, comment }: WordedRule): string {
  return `add rule ${family} ${table} ${chain} ${text}${comment === undefined ? '' : ` ${commentText(comment)}`}`;
}

export const addElementsCommand = (set: SetSpec, elements: readonly ElementSpec[]): string =>
  `add element ${place(set)} { ${elements.map((element) => elementText(set, element)).join(', ')} }`;

export const deleteElementsCommand = (set: SetSpec, elements: readonly Pick<ElementSpec, 'key'>[]): string =>
  `delete element ${place(set)} { ${elements.map(({ key }) => fieldsText(set.key, key)).join(', ')} }`;

/** As nft writes durations: `1d2h3m4s5ms`, without what is 0. It takes no number of more than eight digits. */
export function durationText(ms: number): string {
  let rest = ms;
  const words = DURATION_UNITS.map(([unit, unitMs]) => {
    const number = Math.floor(rest / unitMs);
    rest -= number * unitMs;
    return number === 0 ? '' : `${number}${unit}`;
  });
  return words.join('') || '0s';
}

/**
 * At the end of a name nft takes an asterisk for a pattern. It knows no way to write a quotation mark, nor a backslash
 * in a name that ends with an asterisk.
 */
export const quoteDevice = (name: string): string => `"${name.endsWith('*') ? `${name.slice(0, -1)}\\*` : name}"`;

const commentText = (comment: string): string => `comment "${comment}"`;

const place = ({ family, table, name }: { family: string; table: string; name: string }): string =>
  `${family} ${table} ${name}`;

const typesText = (types: readonly DataType[] | 'verdict'): string => (types === 'verdict' ? types : types.join(' . '));

const fieldsText = (types: readonly DataType[], bytes: Buffer): string => {
  const words = formatFields(types, bytes);
  return types.length === 1 && types[0] === 'ifname' ? quoteDevice(words) : words;
};

function elementText({ key, data: types }: SetSpec, { key: bytes, data, timeoutMs, comment }: ElementSpec): string {
  const head = fieldsText(key, bytes);
  const timeout = timeoutMs === undefined ? '' : ` timeout ${durationText(timeoutMs)}`;
  const remark = comment === undefined ? '' : ` ${commentText(comment)}`;
  return `${head}${timeout}${remark}${data === undefined ? '' : ` : ${dataText(types, data)}`}`;
}

function dataText(types: SetSpec['data'], data: NonNullable<ElementSpec['data']>): string {
  if (!Buffer.isBuffer(data)) return 'chain' in data ? `${data.kind} ${data.chain}` : data.kind;
  return fieldsText(types === undefined || types === 'verdict' ? [] : types, data);
}
