// The classic packet, as every sender of it has it: signature (64) | time (5, big-endian) | salt (4).

export const SIGNATURE_LENGTH = 64;
export const TIME_LENGTH = 5;
export const SALT_LENGTH = 4;
export const SIGNED_PACKET_LENGTH = SIGNATURE_LENGTH + TIME_LENGTH + SALT_LENGTH;

/** The largest signed time: five bytes of Unix seconds. */
export const MAX_TIME = 2 ** (8 * TIME_LENGTH) - 1;

/** Raw ed25519 seeds and public keys (RFC 8032, section 5.1.5). */
export const KEY_LENGTH = 32;

/** What the signed message ends with where no secret was agreed on. Everyone knows it: worth a warning. */
export const DEFAULT_SECRET = 'netprickle.com';

// Our own choices.

/** Until a clock has reached this moment it is plainly wrong: no machine ran this program before. Unix seconds. */
export const BUILD_SECONDS = Date.UTC(2026, 10, 1) / 1000;

/** How far ahead of a sound clock a signed time may be. */
export const MAX_AHEAD_SECONDS = 86_400;

/** Salts remembered within one second of signed time; a key that signs more packets than that in it is refused. */
export const MAX_SALTS = 1024;

/** A step of signed time above this begins a new run in the guard. */
export const RUN_GAP_SECONDS = 3600;

/** Runs remembered beside the present one; the two nearest to each other become one above that. */
export const MAX_SPENT_RUNS = 16;
