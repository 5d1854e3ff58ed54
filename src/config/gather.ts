import { closeSync, openSync, readSync } from 'node:fs';
import { Buffer } from 'node:buffer';
import { parseArgv } from './argv.js';
import { confPath, parseConfFile } from './conf-file.js';
import { CONF_DIRECTORY, CONF_FILE_MAX_BYTES } from './constants.js';
import { ARGV, ConfigError } from './errors.js';
import type { RawOption } from './option-names.js';
import { quoteValue } from './quote.js';
import type { Environment } from './resolve-tunnel.js';
import { path as pathType } from './types.js';

/** Reads at most `maxBytes` of a file; throws what the system says. */
export type ReadFile = (path: string, maxBytes: number) => Uint8Array;

/** Options that end the program by printing something, in whose presence nothing behind them matters. */
const PRINTERS: readonly RawOption['name'][] = ['help', 'version'];

/**
 * All options in the order in which they count: those of the configuration files, in the order of their `--config`,
 * then those of the command line. Throws the first `ConfigError`, unless `--help` or `--version` came before it.
 */
export function gatherOptions(
  argv: readonly string[],
  readFile: ReadFile,
  environment: Environment = {},
): readonly RawOption[] {
  const { options, fault } = parseArgv(argv);
  if (options.some(({ name }) => PRINTERS.includes(name))) return options;
  if (fault !== undefined) throw fault;
  const files = options.flatMap(({ name, value }) => (name === 'config' ? [value ?? ''] : []));
  const read = readerWithCredentials(readFile, environment['CREDENTIALS_DIRECTORY']);
  return [...files.flatMap((name) => [...readConf(name, read)]), ...options];
}

/**
 * Where /etc/ipipou/NAME.conf may not be read, systemd's credential NAME.conf is, which root had copied from there for a
 * service without root's rights. It goes by the file's own name: that is the one to correct, and to look at for who else
 * can read it.
 */
function readerWithCredentials(readFile: ReadFile, directory: string | undefined): ReadFile {
  if (directory === undefined || directory === '') return readFile;
  return (path, maxBytes) => {
    try {
      return readFile(path, maxBytes);
    } catch (denied) {
      if (codeOf(denied) !== 'EACCES' || !path.startsWith(`${CONF_DIRECTORY}/`)) throw denied;
      try {
        return readFile(`${directory}/${path.slice(CONF_DIRECTORY.length + 1)}`, maxBytes);
      } catch (absent) {
        throw codeOf(absent) === 'ENOENT' ? denied : absent;
      }
    }
  };
}

function readConf(name: string, readFile: ReadFile): readonly RawOption[] {
  const parsed = pathType.parse(name);
  if (!parsed.ok) {
    throw new ConfigError({
      option: 'config',
      value: quoteValue(name),
      problem: parsed.problem,
      allowed: pathType.allowed,
    });
  }
  const path = confPath(name);
  const { options, fault } = parseConfFile(readConfBytes(path, readFile), path);
  if (fault !== undefined) throw fault;
  return options;
}

function readConfBytes(path: string, readFile: ReadFile): Uint8Array {
  const wrong = (problem: string, allowed: string): ConfigError =>
    new ConfigError({ option: 'config', value: quoteValue(path), origin: ARGV, problem, allowed });
  let bytes: Uint8Array;
  try {
    bytes = readFile(path, CONF_FILE_MAX_BYTES + 1);
  } catch (cause) {
    throw wrong(`cannot be read (${codeOf(cause)})`, 'a readable file; NAME stands for /etc/ipipou/NAME.conf');
  }
  if (bytes.length > CONF_FILE_MAX_BYTES) throw wrong('is too long', `a file of ${CONF_FILE_MAX_BYTES} bytes at most`);
  return bytes;
}

const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error ? String(error.code) : String(error);

/** By descriptor and in turns: the "file" may be a pipe, and a device would never end. */
export function readBounded(path: string, maxBytes: number): Uint8Array {
  const descriptor = openSync(path, 'r');
  try {
    const bytes = Buffer.alloc(maxBytes);
    let length = 0;
    for (;;) {
      const read = readSync(descriptor, bytes, length, maxBytes - length, null);
      length += read;
      if (read === 0 || length === maxBytes) return bytes.subarray(0, length);
    }
  } finally {
    closeSync(descriptor);
  }
}
