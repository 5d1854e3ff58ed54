import { be32, text } from '../../attributes.js';
import {
  NFTA_LOOKUP_DREG,
  NFTA_LOOKUP_FLAGS,
  NFTA_LOOKUP_SET,
  NFTA_LOOKUP_SREG,
  NFT_LOOKUP_F_INV,
} from './constants.js';
import { expression, type Expression } from './expression.js';
import { register } from './register.js';

/**
 * Looks a register up in a set or map of the same table; it matches if the key is there.
 *
 *     NFTA_LOOKUP_SET    text
 *     NFTA_LOOKUP_SREG   be32, the first of the key's registers
 *     [NFTA_LOOKUP_DREG  be32, maps only: where the value goes; NFT_REG_VERDICT in a verdict map]
 *     NFTA_LOOKUP_FLAGS  be32, NFT_LOOKUP_F_INV matches if the key is not there (sets only)
 */
export const lookup = (search: {
  readonly set: string;
  readonly sreg: number;
  readonly dreg?: number;
  readonly inverted?: boolean;
}): Expression =>
  expression('lookup', [
    text(NFTA_LOOKUP_SET, search.set),
    register(NFTA_LOOKUP_SREG, search.sreg),
    ...(search.dreg === undefined ? [] : [register(NFTA_LOOKUP_DREG, search.dreg)]),
    be32(NFTA_LOOKUP_FLAGS, search.inverted === true ? NFT_LOOKUP_F_INV : 0),
  ]);
