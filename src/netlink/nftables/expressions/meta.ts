import { be32 } from '../../attributes.js';
import { NFTA_META_DREG, NFTA_META_KEY, NFTA_META_SREG } from './constants.js';
import { expression, type Expression } from './expression.js';
import { register } from './register.js';

/**
 * Loads what the kernel knows about the packet.
 *
 *     NFTA_META_KEY   be32 NFT_META_*
 *     NFTA_META_DREG  be32
 */
export const metaLoad = (meta: { readonly key: number; readonly dreg: number }): Expression =>
  expression('meta', [be32(NFTA_META_KEY, meta.key), register(NFTA_META_DREG, meta.dreg)]);

/** Sets what may be set, e.g. the mark: `NFTA_META_KEY be32, NFTA_META_SREG be32`. */
export const metaWrite = (meta: { readonly key: number; readonly sreg: number }): Expression =>
  expression('meta', [be32(NFTA_META_KEY, meta.key), register(NFTA_META_SREG, meta.sreg)]);
