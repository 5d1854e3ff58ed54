#!/usr/bin/env node
// `npm run man`: writes man/ipipou-ts.8 from scripts/man/ipipou-ts.8.in and the tables of options and exit codes.
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import {
  EGRESS_OPTION_NAMES,
  egressOption,
  EXIT_CODES,
  GROUPS,
  OPTION_NAMES,
  RANDMAP_OPTION_NAMES,
  randmapOption,
  specOf,
} from '../src/config/index.ts';

const TEMPLATE = new URL('man/ipipou-ts.8.in', import.meta.url);
const MANIFEST = new URL('../package.json', import.meta.url);
export const PAGE = new URL('../man/ipipou-ts.8', import.meta.url);

/** How roff is told of characters that it has a use of its own for; hyphens are meant to be copied from options. */
const ESCAPES = { '\\': '\\(rs', '-': '\\-', "'": '\\(aq', '^': '\\(ha', '~': '\\(ti', '`': '\\(ga' };

/** @param {string} text */
const roff = (text) =>
  text.replace(/[\\\-'^~`]/g, (character) => ESCAPES[/** @type {keyof typeof ESCAPES} */ (character)]);

/** A line of text of its own; never a request, whatever it begins with. @param {string} text */
const line = (text) => roff(text).replace(/^\./, '\\&.');

/** @param {string} text */
const sentence = (text) => line(`${text.slice(0, 1).toUpperCase()}${text.slice(1)}.`);

/** @param {import('../src/config/index.ts').OptionName} name */
function option(name) {
  const { short, metavar, help, more, default: value, defaultWords, type, scope } = specOf(name);
  const flags = [...(short === undefined ? [] : [`-${short}`]), `--${name}`].map((one) => `\\fB${roff(one)}\\fR`);
  const fallback = [value, defaultWords].filter((part) => part !== undefined).join(' = ');
  return [
    '.TP',
    `${flags.join(', ')}${metavar === undefined ? '' : ` \\fI${roff(metavar)}\\fR`}`,
    sentence(help),
    ...(more === undefined ? [] : [sentence(more)]),
    ...(fallback === '' ? [] : [`Default: ${line(fallback)}.`]),
    ...(metavar === undefined ? [] : [`Allowed: ${line(type.allowed)}.`]),
    ...(scope === 'server' || scope === 'client' ? [`Has an effect on a ${scope} only.`] : []),
  ].join('\n');
}

const options = () =>
  GROUPS.map((group) => {
    const names = OPTION_NAMES.filter((name) => specOf(name).group === group);
    return [`.SS ${roff(group)}`, ...names.map(option)].join('\n');
  }).join('\n');

/**
 * An option of a command that has options of its own.
 * @param {string} name
 * @param {{ short?: string, metavar?: string, help: string, type: { allowed: string } }} row
 */
function ownOption(name, { short, metavar, help, type }) {
  const flags = [...(short === undefined ? [] : [`-${short}`]), `--${name}`].map((one) => `\\fB${roff(one)}\\fR`);
  return [
    '.TP',
    `${flags.join(', ')}${metavar === undefined ? '' : ` \\fI${roff(metavar)}\\fR`}`,
    sentence(help),
    ...(metavar === undefined ? [] : [`Allowed: ${line(type.allowed)}.`]),
  ].join('\n');
}

const mapOptions = () => RANDMAP_OPTION_NAMES.map((name) => ownOption(name, randmapOption(name))).join('\n');
const egressOptions = () => EGRESS_OPTION_NAMES.map((name) => ownOption(name, egressOption(name))).join('\n');

const exitCodes = () =>
  Object.values(EXIT_CODES)
    .map(({ code, meaning }) => `.TP\n.B ${code}\n${sentence(meaning)}`)
    .join('\n');

/** The whole page. */
export function manPage() {
  const { version } = /** @type {{ version: string }} */ (JSON.parse(readFileSync(MANIFEST, 'utf8')));
  /** @type {Readonly<Record<string, () => string>>} */
  const parts = {
    VERSION: () => version,
    OPTIONS: options,
    RANDMAP_OPTIONS: mapOptions,
    EGRESS_OPTIONS: egressOptions,
    EXIT_CODES: exitCodes,
  };
  return readFileSync(TEMPLATE, 'utf8').replace(/@([A-Z_]+)@/g, (_, name) => {
    const part = parts[name];
    if (part === undefined) throw new Error(`${fileURLToPath(TEMPLATE)}: there is no part ${name}`);
    return part();
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(PAGE, manPage());
