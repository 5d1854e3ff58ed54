/** Policies that stand in files of tunrotate: each becomes an option `egress`, in the place where its file was named. */
import { formatPolicy } from '../egress/policy.js';
import { parseTunrotate } from '../egress/tunrotate.js';
import { CONF_FILE_MAX_BYTES } from './constants.js';
import { isDeviceName } from './egress-type.js';
import { ConfigError, whereGiven } from './errors.js';
import type { ReadFile } from './gather.js';
import type { RawOption } from './option-names.js';
import { oneLine, quoteValue } from './quote.js';
import { path as pathType } from './types.js';

export interface WithPolicies {
  readonly options: readonly RawOption[];
  /** Lines about what of the files has no effect. */
  readonly notes: readonly string[];
}

/** Throws `ConfigError` where a file can't be read, or is wrong: with its line. */
export function readEgressFiles(raw: readonly RawOption[], readFile: ReadFile): WithPolicies {
  const notes: string[] = [];
  const options = raw.flatMap((option): readonly RawOption[] => {
    if (option.name !== 'egress-policy') return [option];
    const path = option.value ?? '';
    const result = parseTunrotate(readNamed(option, path, readFile).toString(), isDeviceName);
    if (!result.ok) {
      const { line, problem, allowed } = result.fault;
      throw new ConfigError({ option: option.name, origin: { kind: 'file', path, line }, problem, allowed });
    }
    const { policies, notes: idle } = result.file;
    notes.push(...idle.map((note) => `${whereGiven(option.name, option.origin)}${oneLine(path)}: ${note}`));
    return policies.map(({ policy, line }) => ({
      name: 'egress',
      value: formatPolicy(policy),
      origin: { kind: 'file', path, line },
    }));
  });
  return { options, notes };
}

function readNamed({ name, origin }: RawOption, path: string, readFile: ReadFile): Buffer {
  const wrong = (problem: string, allowed: string): ConfigError =>
    new ConfigError({ option: name, origin, value: quoteValue(path), problem, allowed });
  const parsed = pathType.parse(path);
  if (!parsed.ok) throw wrong(parsed.problem, pathType.allowed);
  let bytes: Uint8Array;
  try {
    bytes = readFile(path, CONF_FILE_MAX_BYTES + 1);
  } catch (cause) {
    const said = cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause);
    throw wrong(`cannot be read (${said})`, 'a readable file');
  }
  if (bytes.length > CONF_FILE_MAX_BYTES) throw wrong('is too long', `a file of ${CONF_FILE_MAX_BYTES} bytes at most`);
  return Buffer.from(bytes);
}
