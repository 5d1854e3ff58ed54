import { be32 } from '../../attributes.js';
import { NFTA_FIB_DREG, NFTA_FIB_FLAGS, NFTA_FIB_RESULT } from './constants.js';
import { expression, type Expression } from './expression.js';
import { register } from './register.js';

/**
 * Asks the routing table about the packet.
 *
 *     NFTA_FIB_DREG    be32
 *     NFTA_FIB_RESULT  be32 NFT_FIB_RESULT_*
 *     NFTA_FIB_FLAGS   be32 NFTA_FIB_F_*
 *
 * With NFTA_FIB_F_PRESENT the register gets 1 if there is such a route and 0 if not: one byte, then three of zero.
 * Example, the reverse path test `fib saddr . iif oif missing`: NFT_FIB_RESULT_OIF with NFTA_FIB_F_SADDR |
 * NFTA_FIB_F_IIF | NFTA_FIB_F_PRESENT, then a comparison with 00 00 00 00.
 */
export const fib = (question: { readonly dreg: number; readonly result: number; readonly flags: number }): Expression =>
  expression('fib', [
    register(NFTA_FIB_DREG, question.dreg),
    be32(NFTA_FIB_RESULT, question.result),
    be32(NFTA_FIB_FLAGS, question.flags),
  ]);
