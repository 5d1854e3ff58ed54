/**
 * Keys, tokens and secrets that stand elsewhere: in files that options name, and in systemd's credentials
 * (systemd.exec(5), LoadCredential=). Each becomes the option whose value it is, in the place where it was named.
 */
import { TOKEN_MAX_BYTES, SECRET_FILE_MAX_BYTES } from './constants.js';
import { ConfigError, whereGiven, type Origin } from './errors.js';
import type { ReadFile } from './gather.js';
import { privateKey } from './key-types.js';
import type { RawOption } from './option-names.js';
import type { OptionName } from './options.js';
import { oneLine, quoteSecret, quoteValue } from './quote.js';
import type { Environment } from './resolve-tunnel.js';
import { path as pathType } from './types.js';

/** What a file holds, as the value of another option. */
interface Holding {
  readonly as: OptionName;
  /** Throws ConfigError. */
  readonly read: (bytes: Buffer, origin: Origin) => string;
}

const KEY: Holding = { as: 'auth-key-b64', read: firstLine };
const TOKEN: Holding = { as: 'auth-token-b64', read: wholeAsBase64 };
const SECRET: Holding = { as: 'auth-secret', read: wholeAsText };

export const FILE_OPTIONS: Readonly<Partial<Record<OptionName, Holding>>> = {
  'auth-key-file': KEY,
  'auth-token-file': TOKEN,
  'auth-secret-file': SECRET,
};

const KEY_OPTIONS: readonly OptionName[] = ['auth-key-b64', 'auth-key-file'];
const TOKEN_OPTIONS: readonly OptionName[] = ['auth-token', 'auth-token-b64', 'auth-token-file'];
const SECRET_OPTIONS: readonly OptionName[] = ['auth-secret', 'auth-secret-file'];

/** Credentials by name; `beside`: options that say the same or decide otherwise, and therefore go before it. */
const CREDENTIALS: readonly {
  readonly name: string;
  readonly holding: Holding;
  readonly beside: readonly OptionName[];
}[] = [
  { name: 'auth-key', holding: KEY, beside: [...KEY_OPTIONS, ...TOKEN_OPTIONS, 'auth-none'] },
  {
    name: 'auth-token',
    holding: TOKEN,
    // A token goes before keys: one that merely lies there must not push aside a key that was asked for.
    beside: [...TOKEN_OPTIONS, ...KEY_OPTIONS, 'auth-remote-pubkey-b64', 'auth-none'],
  },
  { name: 'auth-secret', holding: SECRET, beside: [...SECRET_OPTIONS, ...TOKEN_OPTIONS, 'auth-none'] },
];

export interface WithSecrets {
  readonly options: readonly RawOption[];
  /** Lines that say which credentials were taken. */
  readonly notes: readonly string[];
}

/** Throws `ConfigError` where a file can't be read or holds nothing fit. */
export function readSecrets(raw: readonly RawOption[], readFile: ReadFile, environment: Environment): WithSecrets {
  const credentials = readCredentials(raw, readFile, environment['CREDENTIALS_DIRECTORY']);
  const options = raw.map((option): RawOption => {
    const holding = FILE_OPTIONS[option.name];
    if (holding === undefined || option.value === undefined) return option;
    const path = option.value;
    const bytes = readNamed(option, path, readFile);
    const origin = { kind: 'contents', of: `${whereGiven(option.name, option.origin)}in ${oneLine(path)}` } as const;
    return { name: holding.as, value: holding.read(bounded(bytes, origin), origin), origin };
  });
  return { options: [...credentials.options, ...options], notes: credentials.notes };
}

function readNamed(option: RawOption, path: string, readFile: ReadFile): Buffer {
  const { name, origin } = option;
  const parsed = pathType.parse(path);
  if (!parsed.ok) {
    const { problem } = parsed;
    throw new ConfigError({ option: name, origin, value: quoteValue(path), problem, allowed: pathType.allowed });
  }
  try {
    return Buffer.from(readFile(path, SECRET_FILE_MAX_BYTES + 1));
  } catch (cause) {
    const problem = `cannot be read (${codeOf(cause)})`;
    // Who gives the key itself here should not read it in a log.
    throw privateKey.parse(path).ok
      ? new ConfigError({
          option: name,
          origin,
          value: quoteSecret(path),
          problem: `${problem}, and looks like a key`,
          allowed: 'a readable file; a key itself goes behind --auth-key-b64',
        })
      : new ConfigError({ option: name, origin, value: quoteValue(path), problem, allowed: 'a readable file' });
  }
}

function readCredentials(raw: readonly RawOption[], readFile: ReadFile, directory: string | undefined): WithSecrets {
  const options: RawOption[] = [];
  const notes: string[] = [];
  if (directory === undefined || directory === '') return { options, notes };
  for (const { name, holding, beside } of CREDENTIALS) {
    if (raw.some((option) => beside.includes(option.name))) continue;
    const origin = { kind: 'contents', of: `credential ${name}` } as const;
    let bytes: Buffer;
    try {
      bytes = Buffer.from(readFile(`${directory}/${name}`, SECRET_FILE_MAX_BYTES + 1));
    } catch (cause) {
      if (codeOf(cause) === 'ENOENT') continue;
      const problem = `cannot be read (${codeOf(cause)})`;
      throw new ConfigError({ origin, problem, allowed: 'a readable file in $CREDENTIALS_DIRECTORY' });
    }
    options.push({ name: holding.as, value: holding.read(bounded(bytes, origin), origin), origin });
    notes.push(`credential ${name}: taken for --${holding.as}`);
  }
  return { options, notes };
}

function bounded(bytes: Buffer, origin: Origin): Buffer {
  if (bytes.length <= SECRET_FILE_MAX_BYTES) return bytes;
  throw new ConfigError({
    origin,
    problem: 'is too long',
    allowed: `a file of ${SECRET_FILE_MAX_BYTES} bytes at most`,
  });
}

/** What `--auth-keygen` prints can be kept as it is: the public key below is not looked at. */
function firstLine(bytes: Buffer): string {
  const [line = ''] = bytes.toString('latin1').split('\n', 1);
  return line.replace(/\r$/, '');
}

function wholeAsBase64(bytes: Buffer, origin: Origin): string {
  const token = lessLineEnd(bytes);
  const wrong = (problem: string): ConfigError =>
    new ConfigError({ origin, problem, allowed: `1 to ${TOKEN_MAX_BYTES} bytes` });
  if (token.length === 0) throw wrong('is empty');
  if (token.length > TOKEN_MAX_BYTES) throw wrong(`holds ${token.length} bytes`);
  return token.toString('base64');
}

function wholeAsText(bytes: Buffer, origin: Origin): string {
  const secret = lessLineEnd(bytes);
  const text = secret.toString();
  if (secret.length === 0) throw new ConfigError({ origin, problem: 'is empty', allowed: 'a secret' });
  if (Buffer.from(text).equals(secret)) return text;
  throw new ConfigError({ origin, problem: 'is not UTF-8', allowed: 'UTF-8 text' });
}

/** Editors and `echo` end a file with one. */
function lessLineEnd(bytes: Buffer): Buffer {
  if (bytes.at(-1) !== 0x0a) return bytes;
  return bytes.subarray(0, bytes.at(-2) === 0x0d ? -2 : -1);
}

const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error ? String(error.code) : String(error);
