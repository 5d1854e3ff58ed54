import type { KeyPair, PublicKey } from './keys.js';

/** No proof at all: what is not an inner packet authenticates its sender. */
export interface NoScheme {
  readonly kind: 'none';
}

/** The token is the packet. Whoever sees one can send it again: there is no replay protection. */
export interface TokenScheme {
  readonly kind: 'token';
  /** 1 byte or more. */
  readonly token: Buffer;
}

/** What a server knows of a peer that signs. */
export interface VerifyScheme {
  readonly kind: 'ed25519';
  readonly peerKey: PublicKey;
  /** Signs the answers; without it an answer is the request reversed. */
  readonly ownKey?: KeyPair | undefined;
  readonly secret: Buffer;
}

/** What a client that signs knows. */
export interface SignScheme {
  readonly kind: 'ed25519';
  readonly ownKey: KeyPair;
  /** With it only signed answers count. */
  readonly peerKey?: PublicKey | undefined;
  readonly secret: Buffer;
}

export type ServerScheme = NoScheme | TokenScheme | VerifyScheme;
export type ClientScheme = NoScheme | TokenScheme | SignScheme;
