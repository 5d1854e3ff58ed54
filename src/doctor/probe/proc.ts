/** Small text files of /proc, /sys and /lib/modules. Total: any text gives a value. */
import { readFileSync } from 'node:fs';
import type { ModulePlace } from '../facts.js';

/** modules.dep of a distribution's kernel has some 600 kB. */
const MAX_TEXT_BYTES = 8 << 20;

/** Undefined where it can't be read, or is far longer than anything of its kind. */
export function readText(path: string): string | undefined {
  try {
    // Files of /proc have no length beforehand; those that matter here are short, or regular files.
    const text = readFileSync(path, 'latin1');
    return text.length > MAX_TEXT_BYTES ? undefined : text;
  } catch {
    return undefined;
  }
}

/** The one number of a sysctl's file. */
export function parseNumber(text: string | undefined): number | undefined {
  const trimmed = text?.trim() ?? '';
  return /^\d{1,9}$/.test(trimmed) ? Number(trimmed) : undefined;
}

/** One name a line, as in /proc/net/ip_tables_names; names that a terminal couldn't show are left out. */
export const parseNames = (text: string | undefined): string[] =>
  (text ?? '').split('\n').filter((line) => /^[\x21-\x7e]{1,64}$/.test(line));

export interface ModuleLists {
  /** /proc/modules (proc(5)): `name size uses users state address` */
  readonly loaded: string | undefined;
  /** modules.builtin: `kernel/net/ipv4/ipip.ko` */
  readonly builtin: string | undefined;
  /** modules.dep: `kernel/net/ipv4/ipip.ko.xz: kernel/net/ipv4/tunnel4.ko.xz …` */
  readonly files: string | undefined;
}

/** `name` with underscores; the kernel takes hyphens for the same. */
export function placeOfModule(name: string, { loaded, builtin, files }: ModuleLists): ModulePlace {
  const has = (list: string | undefined, nameOf: (line: string) => string | undefined): boolean =>
    (list ?? '').split('\n').some((line) => nameOf(line) === name);
  if (has(loaded, (line) => line.split(' ', 1)[0])) return 'loaded';
  if (has(builtin, nameOfFile)) return 'builtin';
  // Behind the colon stand the modules that it needs.
  if (has(files, (line) => nameOfFile(line.split(':', 1)[0] ?? ''))) return 'file';
  return builtin === undefined && files === undefined ? 'unknown' : 'absent';
}

/** `kernel/net/ipv4/some-thing.ko.xz` is `some_thing`. */
const nameOfFile = (path: string): string | undefined =>
  path.split('/').at(-1)?.split('.ko', 1)[0]?.replaceAll('-', '_');
