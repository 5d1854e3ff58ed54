import { be32 } from '../../attributes.js';
import { encodeValue } from '../data.js';
import { NFTA_CMP_DATA, NFTA_CMP_OP, NFTA_CMP_SREG } from './constants.js';
import { expression, type Expression } from './expression.js';
import { register } from './register.js';

/**
 * Compares a register with a constant, byte by byte from the left (so numbers in network order compare as numbers).
 *
 *     NFTA_CMP_SREG  be32
 *     NFTA_CMP_OP    be32 NFT_CMP_*
 *     NFTA_CMP_DATA  { NFTA_DATA_VALUE bytes }
 */
export const cmp = (comparison: {
  readonly sreg: number;
  readonly op: number;
  readonly data: Uint8Array;
}): Expression =>
  expression('cmp', [
    register(NFTA_CMP_SREG, comparison.sreg),
    be32(NFTA_CMP_OP, comparison.op),
    encodeValue(NFTA_CMP_DATA, comparison.data),
  ]);
