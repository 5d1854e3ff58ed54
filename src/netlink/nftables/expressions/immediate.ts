import { NFT_REG_VERDICT } from '../constants.js';
import { encodeData, type Verdict } from '../data.js';
import { NFTA_IMMEDIATE_DATA, NFTA_IMMEDIATE_DREG } from './constants.js';
import { expression, type Expression } from './expression.js';
import { register } from './register.js';

/** Puts a constant into a register: `NFTA_IMMEDIATE_DREG be32, NFTA_IMMEDIATE_DATA { NFTA_DATA_VALUE bytes }`. */
export const immediateData = (immediate: { readonly dreg: number; readonly data: Buffer }): Expression =>
  expression('immediate', [
    register(NFTA_IMMEDIATE_DREG, immediate.dreg),
    encodeData(NFTA_IMMEDIATE_DATA, immediate.data),
  ]);

/**
 * Decides what becomes of the packet.
 *
 *     NFTA_IMMEDIATE_DREG  be32 NFT_REG_VERDICT
 *     NFTA_IMMEDIATE_DATA  { NFTA_DATA_VERDICT { NFTA_VERDICT_CODE be32, [NFTA_VERDICT_CHAIN text] } }
 */
export const immediateVerdict = (verdict: Verdict): Expression =>
  expression('immediate', [register(NFTA_IMMEDIATE_DREG, NFT_REG_VERDICT), encodeData(NFTA_IMMEDIATE_DATA, verdict)]);
