import { Buffer } from 'node:buffer';
import {
  KEY_LENGTH,
  describeKeyFault,
  type KeyFault,
  type Outcome,
  decodeBase64,
  decodePrivateKey,
  decodePublicKey,
  type KeyPair,
  type PublicKey,
} from '../auth/index.js';
import { TOKEN_MAX_BYTES } from './constants.js';
import { accept, refuse, type Parsed, type ValueType } from './types.js';

export const privateKey: ValueType<KeyPair> = {
  kind: 'base64',
  allowed: `${KEY_LENGTH} bytes in base64, as --auth-keygen prints them first`,
  parse: (text) => asParsed(decodePrivateKey(text)),
};

export const publicKey: ValueType<PublicKey> = {
  kind: 'base64',
  allowed: `${KEY_LENGTH} bytes in base64, as --auth-keygen prints them second`,
  parse: (text) => asParsed(decodePublicKey(text)),
};

/** The token's bytes from text, in UTF-8. */
export const tokenText: ValueType<Buffer> = {
  kind: 'text',
  allowed: `text of 1 to ${TOKEN_MAX_BYTES} bytes`,
  parse: (text) => boundToken(Buffer.from(text)),
};

export const tokenBase64: ValueType<Buffer> = {
  kind: 'base64',
  allowed: `1 to ${TOKEN_MAX_BYTES} bytes in base64`,
  parse(text) {
    const bytes = asParsed(decodeBase64(text));
    return bytes.ok ? boundToken(bytes.value) : bytes;
  },
};

/** Text of any length, none included (`--auth-secret=`), in UTF-8. */
export const secretText: ValueType<Buffer> = {
  kind: 'text',
  allowed: 'text',
  parse: (text) => accept(Buffer.from(text)),
};

function boundToken(token: Buffer): Parsed<Buffer> {
  if (token.length === 0) return refuse('is empty');
  return token.length > TOKEN_MAX_BYTES ? refuse(`holds ${token.length} bytes`) : accept(token);
}

function asParsed<T>(outcome: Outcome<T, KeyFault>): Parsed<T> {
  return outcome.ok ? accept(outcome.value) : refuse(describeKeyFault(outcome.fault));
}
