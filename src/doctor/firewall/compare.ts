/** Comparisons of bytes of which some are not known: yes, no, or maybe. */
import {
  NFT_CMP_EQ,
  NFT_CMP_GT,
  NFT_CMP_GTE,
  NFT_CMP_LT,
  NFT_CMP_LTE,
  NFT_CMP_NEQ,
} from '../../netlink/nftables/index.js';
import { knownBytes, type MaybeByte } from './packet.js';

export type Answer = 'yes' | 'no' | 'maybe';

export const not = (answer: Answer): Answer => (answer === 'maybe' ? 'maybe' : answer === 'yes' ? 'no' : 'yes');

export const answer = (holds: boolean): Answer => (holds ? 'yes' : 'no');

/** One byte that differs decides, whatever the others are. */
export function equals(bytes: readonly MaybeByte[], wanted: Uint8Array): Answer {
  if (bytes.length !== wanted.length) return 'maybe';
  let all: Answer = 'yes';
  for (const [index, byte] of bytes.entries()) {
    if ('unknown' in byte) all = 'maybe';
    else if (byte.value !== wanted[index]) return 'no';
  }
  return all;
}

/** As `cmp` does, from the left; `op` is NFT_CMP_*. */
export function compares(bytes: readonly MaybeByte[], op: number, wanted: Uint8Array): Answer {
  if (op === NFT_CMP_EQ) return equals(bytes, wanted);
  if (op === NFT_CMP_NEQ) return not(equals(bytes, wanted));
  const value = knownBytes(bytes);
  if (value?.length !== wanted.length) return 'maybe';
  const order = Buffer.compare(value, wanted);
  switch (op) {
    case NFT_CMP_LT:
      return answer(order < 0);
    case NFT_CMP_LTE:
      return answer(order <= 0);
    case NFT_CMP_GT:
      return answer(order > 0);
    case NFT_CMP_GTE:
      return answer(order >= 0);
    default:
      return 'maybe';
  }
}

/** Both bounds included. */
export function within(bytes: readonly MaybeByte[], from: Uint8Array, to: Uint8Array): Answer {
  const [above, below] = [compares(bytes, NFT_CMP_GTE, from), compares(bytes, NFT_CMP_LTE, to)];
  if (above === 'no' || below === 'no') return 'no';
  return above === 'yes' && below === 'yes' ? 'yes' : 'maybe';
}
