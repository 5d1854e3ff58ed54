/**
 * Which inner IPv6 sources may come out of the tunnel: the first prefix that holds one decides. Those that deny come
 * first. Where there is none at all the tunnel carries no IPv6.
 *
 *     prefix, 32 bytes: 0 address, 16 mask
 */
import { MAX_PREFIXES, PREFIX_BYTES, PREFIXES } from './layout';

let denying: i32 = 0;
let prefixes: i32 = 0;

export function setPrefixes(deny: i32, number: i32): void {
  prefixes = min(number, MAX_PREFIXES);
  denying = min(deny, prefixes);
}

export function carriesIpv6(): bool {
  return prefixes > 0;
}

/** `source`: where its 16 bytes lie. */
export function isAllowedIpv6(source: i32): bool {
  const address = v128.load(source);
  for (let prefix: i32 = 0; prefix < prefixes; prefix++) {
    const at = PREFIXES + prefix * PREFIX_BYTES;
    const difference = v128.and(v128.xor(address, v128.load(at)), v128.load(at, 16));
    if (!v128.any_true(difference)) return prefix >= denying;
  }
  return false;
}
