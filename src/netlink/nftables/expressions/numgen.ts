import { be32 } from '../../attributes.js';
import { NFTA_NG_DREG, NFTA_NG_MODULUS, NFTA_NG_OFFSET, NFTA_NG_TYPE, NFT_NG_RANDOM } from './constants.js';
import { expression, type Expression } from './expression.js';
import { register } from './register.js';

const UINT32_MAX = 0xffffffff;

/**
 * Draws a number from `offset` to `offset + modulus - 1`, all equally likely, anew for each packet that comes this far.
 * The register gets it in host byte order, 4 bytes.
 *
 *     NFTA_NG_DREG     be32
 *     NFTA_NG_MODULUS  be32
 *     NFTA_NG_TYPE     be32 NFT_NG_RANDOM
 *     NFTA_NG_OFFSET   be32
 *
 * @throws RangeError where the numbers leave 32 bits, which the kernel would let wrap
 */
export function numgen(draw: {
  readonly dreg: number;
  readonly modulus: number;
  readonly offset?: number;
}): Expression {
  const { dreg, modulus, offset = 0 } = draw;
  if (modulus < 1 || modulus > UINT32_MAX || offset < 0 || offset + modulus - 1 > UINT32_MAX) {
    throw new RangeError(`cannot draw from ${modulus} numbers beginning with ${offset}`);
  }
  return expression('numgen', [
    register(NFTA_NG_DREG, dreg),
    be32(NFTA_NG_MODULUS, modulus),
    be32(NFTA_NG_TYPE, NFT_NG_RANDOM),
    be32(NFTA_NG_OFFSET, offset),
  ]);
}
