/** Warnings about secrets that other users of the host can read. */
import { FILE_OPTIONS } from './secret-files.js';
import { isSecret, type RawOption } from './option-names.js';
import { oneLine } from './quote.js';

/** The permission bits of a file, symbolic links followed; undefined where that can't be told. */
export type FileMode = (path: string) => number | undefined;

const OTHERS_READ = 0o004;

/** `raw`: the options as they were written, before files were read for them. */
export function warnOfExposure(raw: readonly RawOption[], fileMode: FileMode): string[] {
  const warnings: string[] = [];
  const secret = raw.filter(({ name }) => isSecret(name));
  const inArgv = [...new Set(secret.flatMap(({ name, origin }) => (origin.kind === 'argv' ? [`--${name}`] : [])))];
  if (inArgv.length > 0) {
    warnings.push(
      `${inArgv.join(', ')} on the command line: other users of this host can read it there; use a configuration file, or --auth-key-file and the like`,
    );
  }
  const inFiles = secret.flatMap(({ origin }) => (origin.kind === 'file' ? [origin.path] : []));
  const named = raw.flatMap(({ name, value }) => (FILE_OPTIONS[name] === undefined ? [] : [value ?? '']));
  for (const path of new Set([...inFiles, ...named])) {
    const mode = fileMode(path);
    if (mode === undefined || (mode & OTHERS_READ) === 0) continue;
    const octal = (mode & 0o7777).toString(8).padStart(4, '0');
    warnings.push(
      `${oneLine(path)}: holds a secret, and every user can read it (mode ${octal}); chmod o= ${oneLine(path)}`,
    );
  }
  return warnings;
}

/** The words of a command line with their secrets made unreadable. */
export function maskSecrets(words: readonly string[], raw: readonly RawOption[]): readonly string[] {
  const values = raw.flatMap(({ name, value = '', origin }) =>
    isSecret(name) && origin.kind === 'argv' && value !== '' ? [value] : [],
  );
  return words.map((word) => {
    const value = values.find((one) => word === one || word.endsWith(`=${one}`));
    return value === undefined ? word : `${word.slice(0, -value.length)}***`;
  });
}
