import type { Expression } from '../../../netlink/nftables/expressions/index.js';

/**
 * A part of a rule, as the kernel takes it and as `nft` does. One function makes both, so that what is logged is what is
 * done; the tests have `nft` judge it.
 */
export interface Clause {
  readonly expressions: readonly Expression[];
  readonly text: string;
}

export const clause = (text: string, ...expressions: readonly Expression[]): Clause => ({ expressions, text });
