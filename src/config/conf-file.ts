import { CONF_DIRECTORY } from './constants.js';
import { ConfigError, type Origin } from './errors.js';
import { findLong, findShort, missingValue, nameFault, takesValue, unwantedValue } from './option-names.js';
import type { RawOption, RawOptions } from './option-names.js';

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** The file that `--config NAME` means. */
export function confPath(name: string): string {
  return /^(\/|\.\/|\.\.\/)/.test(name) ? name : `${CONF_DIRECTORY}/${name}.conf`;
}

/**
 * Reads a configuration file: UTF-8, one option a line, `KEY`, `KEY VALUE`, `KEY=VALUE` or `KEY = VALUE`. Blanks around
 * the line, hyphens before the key and lines that begin with `#` don't count; the rest of the line is the value,
 * unquoted and whole. A `config` in it is an option like any other here, and without effect (effects.ts). Total: stops at the first mistake and returns it with what came before it.
 */
export function parseConfFile(bytes: Uint8Array, path: string): RawOptions {
  const options: RawOption[] = [];
  for (const [index, lineBytes] of splitLines(bytes).entries()) {
    const origin: Origin = { kind: 'file', path, line: index + 1 };
    const line = decodeUtf8(lineBytes);
    if (line === undefined) {
      return { options, fault: new ConfigError({ origin, problem: 'the line is not UTF-8', allowed: 'UTF-8 text' }) };
    }
    const read = parseLine(index === 0 ? line.replace(/^\uFEFF/, '') : line, origin, options.at(-1));
    if (read instanceof ConfigError) return { options, fault: read };
    if (read !== undefined) options.push(read);
  }
  return { options };
}

function parseLine(line: string, origin: Origin, before: RawOption | undefined): RawOption | ConfigError | undefined {
  const text = trimBlanks(line);
  if (text === '' || text.startsWith('#')) return undefined;
  const [key, value] = splitKey(text.replace(/^[- \t]+/, ''));
  const found = key.length === 1 ? findShort(key) : findLong(key);
  if (found.kind !== 'found') return nameFault(key, found, origin, before);
  const { name } = found;
  if (takesValue(name)) return value === undefined ? missingValue(name, origin) : { name, value, origin };
  return value === undefined ? { name, value, origin } : unwantedValue(name, value, origin);
}

/**
 * Splits at the first blanks or `=`. Behind blanks, an `=` parts too if a blank or nothing follows it; else it is the
 * value's own first character, as ipipou reads it (`auth-secret =x`).
 */
function splitKey(text: string): readonly [string, string | undefined] {
  const end = text.search(/[ \t=]/);
  if (end < 0) return [text, undefined];
  return [text.slice(0, end), text.slice(end).replace(/^(?:[ \t]+=(?:[ \t]+|$)|[ \t]+|=[ \t]*)/, '')];
}

/** By hand: a regular expression for the end takes quadratic time on a long line of blanks. */
function trimBlanks(line: string): string {
  let start = 0;
  let end = line.length;
  while (start < end && isBlank(line.charCodeAt(start))) start += 1;
  while (end > start && isBlank(line.charCodeAt(end - 1))) end -= 1;
  return line.slice(start, end);
}

/** Space, tab, or the carriage return of a CRLF. */
function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09 || code === 0x0d;
}

/** Byte lines, without their line feeds. */
function splitLines(bytes: Uint8Array): Uint8Array[] {
  const lines: Uint8Array[] = [];
  let start = 0;
  for (let end = bytes.indexOf(0x0a); end >= 0; end = bytes.indexOf(0x0a, start)) {
    lines.push(bytes.subarray(start, end));
    start = end + 1;
  }
  lines.push(bytes.subarray(start));
  return lines;
}

function decodeUtf8(bytes: Uint8Array): string | undefined {
  try {
    return UTF8.decode(bytes);
  } catch {
    return undefined;
  }
}
