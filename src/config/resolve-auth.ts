import {
  DEFAULT_SECRET,
  samePublicKey,
  type KeyPair,
  type ClientScheme,
  type ServerScheme,
  type SignScheme,
  type TokenScheme,
  type VerifyScheme,
} from '../auth/index.js';
import { TOKEN_SAFE_BYTES } from './constants.js';
import type { OptionName } from './options.js';
import type { Values } from './values.js';

/** Nothing was said about whom to let in: right only where the source alone decides. */
export interface Undecided {
  readonly kind: 'undecided';
  readonly ownKey: KeyPair | undefined;
  readonly secret: Buffer | undefined;
}

/** Throws `ConfigError`; appends to `warnings`. A token goes before keys, as with ipipou. */
export function resolveServerAuth(values: Values, warnings: string[]): ServerScheme | Undecided {
  refuseBesideNone(values, ['auth-token', 'auth-token-b64', 'auth-remote-pubkey-b64']);
  const ownKey = values.get('auth-key-b64')?.value;
  const token = tokenScheme(values, warnings);
  const peerKey = values.get('auth-remote-pubkey-b64')?.value;
  if (token !== undefined) {
    warnWithoutEffect(values, ['auth-remote-pubkey-b64', ...KEY_ONLY, ...SERVER_KEY_ONLY], 'beside a token', warnings);
    return token;
  }
  if (peerKey !== undefined) {
    refuseOwnKeyAsPeer(values);
    if (!values.has('reply-on-auth-ok')) {
      warnWithoutEffect(values, ['auth-key-b64'], 'without --reply-on-auth-ok', warnings);
    }
    warnOfKnownSecret(values, warnings);
    return { kind: 'ed25519', peerKey, ownKey, secret: values.valueOr('auth-secret') } satisfies VerifyScheme;
  }
  if (values.has('auth-none')) {
    warnOfUnusedKeys(values, warnings);
    return { kind: 'none' };
  }
  return { kind: 'undecided', ownKey, secret: values.get('auth-secret')?.value };
}

/** Throws `ConfigError`; appends to `warnings`. */
export function resolveClientAuth(values: Values, warnings: string[]): ClientScheme {
  refuseBesideNone(values, ['auth-token', 'auth-token-b64', 'auth-key-b64']);
  const token = tokenScheme(values, warnings);
  const ownKey = values.get('auth-key-b64')?.value;
  if (token !== undefined) {
    warnWithoutEffect(values, ['auth-remote-pubkey-b64', ...KEY_ONLY], 'beside a token', warnings);
    return token;
  }
  if (ownKey !== undefined) {
    refuseOwnKeyAsPeer(values);
    warnOfKnownSecret(values, warnings);
    const peerKey = values.get('auth-remote-pubkey-b64')?.value;
    return { kind: 'ed25519', ownKey, peerKey, secret: values.valueOr('auth-secret') } satisfies SignScheme;
  }
  warnWithoutEffect(values, ['auth-remote-pubkey-b64', 'auth-secret'], 'without --auth-key-b64', warnings);
  warnings.push('no token and no key: only a server that goes by the source address alone will let this client in');
  return { kind: 'none' };
}

/** What matters only where packets are signed. */
const KEY_ONLY: readonly OptionName[] = ['auth-key-b64', 'auth-secret'];
const SERVER_KEY_ONLY: readonly OptionName[] = ['auth-max-time-discrepancy'];

/** The source alone decides: nothing is signed, whatever was given for that. Appends to `warnings`. */
export function warnOfUnusedKeys(values: Values, warnings: string[]): void {
  warnWithoutEffect(values, [...KEY_ONLY, ...SERVER_KEY_ONLY], 'without a remote public key', warnings);
}

function tokenScheme(values: Values, warnings: string[]): TokenScheme | undefined {
  const asText = values.get('auth-token');
  const asBase64 = values.get('auth-token-b64');
  const base64IsLast = (asBase64?.index ?? -1) > (asText?.index ?? -1);
  const token = base64IsLast ? asBase64?.value : asText?.value;
  if (token === undefined) return undefined;
  const name = base64IsLast ? 'auth-token-b64' : 'auth-token';
  warnings.push(
    values.warning(name, 'crosses the wire as it is: whoever sees it can send it again, and take the tunnel'),
  );
  if (token.length > TOKEN_SAFE_BYTES) {
    warnings.push(
      values.warning(name, `a token of ${token.length} bytes may be lost on the way; ${TOKEN_SAFE_BYTES} always pass`),
    );
  }
  return { kind: 'token', token };
}

function refuseBesideNone(values: Values, names: readonly OptionName[]): void {
  const other = values.has('auth-none') ? names.find((name) => values.has(name)) : undefined;
  if (other === undefined) return;
  throw values.fault('auth-none', `contradicts --${other}`, { allowed: 'one of the two' });
}

/** Else every packet of ours, thrown back at us, would be the peer's. */
function refuseOwnKeyAsPeer(values: Values): void {
  const own = values.get('auth-key-b64')?.value.publicKey;
  const peer = values.get('auth-remote-pubkey-b64')?.value;
  if (own === undefined || peer === undefined || !samePublicKey(own, peer)) return;
  throw values.fault('auth-remote-pubkey-b64', "is the public key of this side's own --auth-key-b64", {
    allowed: "the other side's public key",
  });
}

function warnOfKnownSecret(values: Values, warnings: string[]): void {
  const secret = values.valueOr('auth-secret');
  if (secret.length === 0) {
    warnings.push(values.warning('auth-secret', 'is empty: the key alone protects the tunnel'));
  } else if (secret.toString() === DEFAULT_SECRET) {
    warnings.push(values.warning('auth-secret', 'the default is in use, which everyone knows; choose your own'));
  }
}

function warnWithoutEffect(values: Values, names: readonly OptionName[], why: string, warnings: string[]): void {
  for (const name of names) if (values.has(name)) warnings.push(values.warning(name, `has no effect ${why}`));
}
