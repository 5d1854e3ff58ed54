import { be32 } from '../../attributes.js';
import { NFTA_CT_DREG, NFTA_CT_KEY } from './constants.js';
import { expression, type Expression } from './expression.js';
import { register } from './register.js';

/**
 * Loads what connection tracking knows about the packet; without an entry only the state can be asked for. A rule with
 * it switches tracking on for the whole network namespace.
 *
 *     NFTA_CT_DREG  be32
 *     NFTA_CT_KEY   be32 NFT_CT_*
 *
 * NFT_CT_STATE, NFT_CT_STATUS and NFT_CT_MARK are 4 bytes in host order, NFT_CT_DIRECTION is one byte.
 */
export const ctLoad = (ct: { readonly key: number; readonly dreg: number }): Expression =>
  expression('ct', [register(NFTA_CT_DREG, ct.dreg), be32(NFTA_CT_KEY, ct.key)]);
