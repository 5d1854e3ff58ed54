/**
 * Who a packet comes from, and whether it came before: keys, the classic auth packets, the replay guard and its file.
 *
 *     const own = decodePrivateKey(text);
 *     const packet = signPacket(own.value, secret, unixSeconds, salt);
 */
export { BUILD_SECONDS, DEFAULT_SECRET, KEY_LENGTH, SIGNED_PACKET_LENGTH } from './constants.js';
export { describeKeyFault, describeStateFault } from './errors.js';
export type { Base64Fault, KeyFault, Outcome, StateFault } from './errors.js';
export {
  decodeBase64,
  decodePrivateKey,
  decodePublicKey,
  formatKeyPair,
  generateKeyPair,
  keyPairFromSeed,
  publicKeyFromRaw,
  samePublicKey,
} from './keys.js';
export type { KeyPair, PublicKey } from './keys.js';
export type { ClientScheme, NoScheme, ServerScheme, SignScheme, TokenScheme, VerifyScheme } from './scheme.js';
export { decodeSignedPacket, reversedAnswer, signPacket, tokenMatches, verifyPacket } from './classic.js';
export type { SignedPacket } from './classic.js';
export { accept, judge, newGuard } from './replay-guard.js';
export type { GuardVerdict, ReplayGuard, Run } from './replay-guard.js';
export {
  guardAtStart,
  guardKey,
  guardSaver,
  lastSignedSaver,
  loadGuards,
  loadLastSigned,
  RESERVED_SECONDS,
} from './guard-file.js';
export type { LoadedGuards } from './guard-file.js';
export type { Guards } from './guard-text.js';
export { SAVE_INTERVAL_MS } from './state-saver.js';
export type { StateSaver } from './state-saver.js';
