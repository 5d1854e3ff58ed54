import { be32 } from '../../attributes.js';
import { encodeValue } from '../data.js';
import {
  NFTA_BITWISE_DREG,
  NFTA_BITWISE_LEN,
  NFTA_BITWISE_MASK,
  NFTA_BITWISE_OP,
  NFTA_BITWISE_SREG,
  NFTA_BITWISE_XOR,
  NFT_BITWISE_MASK_XOR,
} from './constants.js';
import { expression, type Expression } from './expression.js';
import { register } from './register.js';

/**
 * `dreg = (sreg & mask) ^ xor`
 *
 *     NFTA_BITWISE_SREG, _DREG   be32 each
 *     NFTA_BITWISE_LEN           be32, bytes of mask and xor
 *     NFTA_BITWISE_OP            be32 NFT_BITWISE_MASK_XOR
 *     NFTA_BITWISE_MASK          { NFTA_DATA_VALUE bytes }
 *     NFTA_BITWISE_XOR           { NFTA_DATA_VALUE bytes }
 *
 * @param operation.xor as long as the mask; default zeros
 */
export function bitwise(operation: {
  readonly sreg: number;
  readonly dreg: number;
  readonly mask: Uint8Array;
  readonly xor?: Uint8Array;
}): Expression {
  const { sreg, dreg, mask, xor = Buffer.alloc(mask.length) } = operation;
  return expression('bitwise', [
    register(NFTA_BITWISE_SREG, sreg),
    register(NFTA_BITWISE_DREG, dreg),
    be32(NFTA_BITWISE_LEN, mask.length),
    be32(NFTA_BITWISE_OP, NFT_BITWISE_MASK_XOR),
    encodeValue(NFTA_BITWISE_MASK, mask),
    encodeValue(NFTA_BITWISE_XOR, xor),
  ]);
}
