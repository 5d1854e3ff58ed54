import { KEY_LENGTH, formatKeyPair, generateKeyPair } from '../../auth/index.js';
import { logSettings, Values, type RawOption } from '../../config/index.js';

/** A fresh private key and its public key, a line each, with labels from verbosity 1. Throws `ConfigError`. */
export function keygen(raw: readonly RawOption[], randomBytes: (length: number) => Uint8Array): string {
  const { verbosity } = logSettings(new Values(raw));
  return formatKeyPair(generateKeyPair(randomBytes(KEY_LENGTH)), verbosity >= 1);
}
