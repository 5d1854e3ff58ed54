import { be32 } from '../../attributes.js';
import { encodeValue } from '../data.js';
import { NFTA_RANGE_FROM_DATA, NFTA_RANGE_OP, NFTA_RANGE_SREG, NFTA_RANGE_TO_DATA } from './constants.js';
import { expression, type Expression } from './expression.js';
import { register } from './register.js';

/**
 * Matches a register that lies between two constants, both included (NFT_RANGE_EQ), or outside (NFT_RANGE_NEQ).
 *
 *     NFTA_RANGE_SREG       be32
 *     NFTA_RANGE_OP         be32 NFT_RANGE_*
 *     NFTA_RANGE_FROM_DATA  { NFTA_DATA_VALUE bytes }
 *     NFTA_RANGE_TO_DATA    { NFTA_DATA_VALUE bytes }
 */
export const range = (bounds: {
  readonly sreg: number;
  readonly op: number;
  readonly from: Uint8Array;
  readonly to: Uint8Array;
}): Expression =>
  expression('range', [
    register(NFTA_RANGE_SREG, bounds.sreg),
    be32(NFTA_RANGE_OP, bounds.op),
    encodeValue(NFTA_RANGE_FROM_DATA, bounds.from),
    encodeValue(NFTA_RANGE_TO_DATA, bounds.to),
  ]);
