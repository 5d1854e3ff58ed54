import { be32, be64 } from '../../attributes.js';
import {
  NFTA_LIMIT_BURST,
  NFTA_LIMIT_FLAGS,
  NFTA_LIMIT_RATE,
  NFTA_LIMIT_TYPE,
  NFTA_LIMIT_UNIT,
  NFT_LIMIT_F_INV,
  NFT_LIMIT_PKTS,
} from './constants.js';
import { expression, type Expression } from './expression.js';

/**
 * Matches packets up to a rate, or with `over` those beyond it. All packets that reach the rule share one budget.
 *
 *     NFTA_LIMIT_RATE   be64, packets in a unit
 *     NFTA_LIMIT_UNIT   be64 seconds
 *     NFTA_LIMIT_BURST  be32, packets that may come at once, refilled at the rate
 *     NFTA_LIMIT_TYPE   be32 NFT_LIMIT_PKTS
 *     NFTA_LIMIT_FLAGS  be32, NFT_LIMIT_F_INV for `over`
 */
export const limit = (budget: {
  readonly packets: number;
  /** Default 1. */
  readonly perSeconds?: number;
  /** Not 0, for which the kernel takes 5. */
  readonly burst: number;
  readonly over?: boolean;
}): Expression =>
  expression('limit', [
    be64(NFTA_LIMIT_RATE, BigInt(budget.packets)),
    be64(NFTA_LIMIT_UNIT, BigInt(budget.perSeconds ?? 1)),
    be32(NFTA_LIMIT_BURST, budget.burst),
    be32(NFTA_LIMIT_TYPE, NFT_LIMIT_PKTS),
    be32(NFTA_LIMIT_FLAGS, budget.over === true ? NFT_LIMIT_F_INV : 0),
  ]);
