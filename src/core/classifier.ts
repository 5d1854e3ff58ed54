/**
 * Tells inner packets from auth packets. The kernel's ruleset says the same in nf_tables, so the rules here compare
 * only what it can: the UDP length, and masked bytes of the payload, with constants. The first rule that holds decides:
 *
 *     token of n bytes      UDP length = 8 + n, first min(16, n) bytes are the token's      → auth
 *     ed25519               first nibble 4, UDP length 81, bytes 2-3 are not 73             → auth
 *     ed25519, IPv6         first nibble 6, UDP length 81, bytes 4-5 are not 33             → auth
 *     always                first nibble 4                                                  → data
 *     IPv6                  first nibble 6                                                  → data
 *     none                  anything                                                        → auth
 *     ed25519               UDP length 81                                                   → auth
 *     always                anything                                                        → drop
 *
 * One signature in 16 begins like an inner packet of either version. Such a packet of 73 bytes is data only if it also
 * gives 73 as the total length of an IPv4 header (RFC 791, section 3.1), or 33 as the payload length of an IPv6 header
 * (RFC 8200, section 3) where the tunnel carries that; `mistakable` keeps our own away from both.
 */
import { SIGNED_PACKET_LENGTH } from '../auth/constants.js';
import type { ClientScheme } from '../auth/scheme.js';
import { reversedAnswer } from '../auth/classic.js';

export type ClassifierScheme =
  { readonly kind: 'none' } | { readonly kind: 'token'; readonly token: Uint8Array } | { readonly kind: 'ed25519' };

export type Classification =
  | { readonly kind: 'data' }
  | { readonly kind: 'auth' }
  | { readonly kind: 'drop'; readonly reason: 'unrecognised' | 'unbound' };

export const UDP_HEADER_LENGTH = 8;

/** UDP length of a signed packet. */
export const SIGNED_UDP_LENGTH = UDP_HEADER_LENGTH + SIGNED_PACKET_LENGTH;

/** How much of a token is compared before user space compares the whole: one register of nf_tables. */
export const TOKEN_PREFIX_LENGTH = 16;

/** Where an inner header of that version says how long its packet is, and how many bytes it leaves out. */
const INNER_LENGTHS = { 4: { offset: 2, uncounted: 0 }, 6: { offset: 4, uncounted: 40 } } as const;

/** What the length field of an inner packet says that is as long as a signed one. */
export const signedLengthField = (version: 4 | 6): number => SIGNED_PACKET_LENGTH - INNER_LENGTHS[version].uncounted;
export const innerLengthOffset = (version: 4 | 6): number => INNER_LENGTHS[version].offset;

const DATA: Classification = { kind: 'data' };
const AUTH: Classification = { kind: 'auth' };

/**
 * For a packet from a bound endpoint, and for one whose endpoint is not looked at yet. `payload`: what follows the UDP
 * header in the packet; `udpLength`: the header's length field, which may say something else; `ipv6`: whether the tunnel
 * carries that. As in nf_tables, a rule that looks past the end of the packet does not hold.
 */
export function classify(
  payload: Uint8Array,
  schemes: readonly ClassifierScheme[],
  udpLength = UDP_HEADER_LENGTH + payload.length,
  ipv6 = false,
): Classification {
  const signed = schemes.some(({ kind }) => kind === 'ed25519') && udpLength === SIGNED_UDP_LENGTH;
  if (schemes.some((scheme) => scheme.kind === 'token' && looksLikeToken(payload, scheme.token, udpLength))) {
    return AUTH;
  }
  const version = firstNibble(payload);
  if (version === 4 || (version === 6 && ipv6)) {
    const length = uint16At(payload, innerLengthOffset(version));
    return signed && length !== undefined && length !== signedLengthField(version) ? AUTH : DATA;
  }
  if (signed || schemes.some(({ kind }) => kind === 'none')) return AUTH;
  return { kind: 'drop', reason: 'unrecognised' };
}

/** For a packet from an endpoint that is bound to no peer: its data is shut out, or proves it where nothing else has to. */
export function classifyUnbound(
  payload: Uint8Array,
  schemes: readonly ClassifierScheme[],
  udpLength?: number,
  ipv6?: boolean,
): Classification {
  const classification = classify(payload, schemes, udpLength, ipv6);
  if (classification.kind !== 'data') return classification;
  return schemes.some(({ kind }) => kind === 'none') ? AUTH : { kind: 'drop', reason: 'unbound' };
}

/** What a client's own classifier has to let through as auth: the forms that answers to its packets have. */
export function answerSchemes(scheme: ClientScheme): readonly ClassifierScheme[] {
  return scheme.kind === 'token' ? [{ kind: 'token', token: reversedAnswer(scheme.token) }] : [{ kind: scheme.kind }];
}

/**
 * Whether a signed packet of ours, or its reversed answer, begins like an inner packet of either IP version. Stricter
 * than the rules above need, since others may know only the first nibble.
 */
export function mistakable(packet: Uint8Array): boolean {
  return [packet[0], packet.at(-1)].some((byte) => byte !== undefined && (byte >> 4 === 4 || byte >> 4 === 6));
}

function looksLikeToken(payload: Uint8Array, token: Uint8Array, udpLength: number): boolean {
  if (udpLength !== UDP_HEADER_LENGTH + token.length) return false;
  const length = Math.min(TOKEN_PREFIX_LENGTH, token.length);
  return payload.length >= length && Buffer.compare(payload.subarray(0, length), token.subarray(0, length)) === 0;
}

function firstNibble(payload: Uint8Array): number | undefined {
  const first = payload[0];
  return first === undefined ? undefined : first >> 4;
}

function uint16At(payload: Uint8Array, offset: number): number | undefined {
  const [high, low] = [payload[offset], payload[offset + 1]];
  return high === undefined || low === undefined ? undefined : high * 256 + low;
}
