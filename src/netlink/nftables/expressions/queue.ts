import { be16 } from '../../attributes.js';
import { NFTA_QUEUE_FLAGS, NFTA_QUEUE_NUM, NFTA_QUEUE_TOTAL } from './constants.js';
import { expression, type Expression } from './expression.js';

/**
 * Hands the packet to the program that listens on a queue. Without NFT_QUEUE_FLAG_BYPASS, which is never set here, a
 * packet that nobody waits for is dropped.
 *
 *     NFTA_QUEUE_NUM    be16
 *     NFTA_QUEUE_TOTAL  be16 1
 *     NFTA_QUEUE_FLAGS  be16 0
 */
export const queue = (number: number): Expression =>
  expression('queue', [be16(NFTA_QUEUE_NUM, number), be16(NFTA_QUEUE_TOTAL, 1), be16(NFTA_QUEUE_FLAGS, 0)]);
