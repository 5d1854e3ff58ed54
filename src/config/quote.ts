import { QUOTED_VALUE_MAX } from './constants.js';

/** Escapes what would break out of one terminal line: control characters, line separators, direction overrides. */
export function oneLine(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu, (character) => {
    const point = character.codePointAt(0) ?? 0;
    return point === 0x0a ? '\\n' : `\\u{${point.toString(16)}}`;
  });
}

/** A user's value as an error line shows it: in quotes, on one line, cut where it is long. */
export function quoteValue(value: string): string {
  const points = Array.from(value.slice(0, 2 * QUOTED_VALUE_MAX + 2));
  const cut = points.length > QUOTED_VALUE_MAX;
  return `'${oneLine(points.slice(0, QUOTED_VALUE_MAX).join(''))}${cut ? '…' : ''}'`;
}

/** What an error line shows of a key, a token or a secret: enough to see a cut or doubled paste, nothing to steal. */
export function quoteSecret(value: string): string {
  return `the value given (hidden, ${value.length} characters)`;
}

/** A word as a POSIX shell reads it back unchanged. */
export function quoteForShell(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
