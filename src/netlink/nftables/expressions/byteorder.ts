import { be32 } from '../../attributes.js';
import {
  NFTA_BYTEORDER_DREG,
  NFTA_BYTEORDER_LEN,
  NFTA_BYTEORDER_OP,
  NFTA_BYTEORDER_SIZE,
  NFTA_BYTEORDER_SREG,
} from './constants.js';
import { expression, type Expression } from './expression.js';
import { register } from './register.js';

/**
 * Turns numbers between host and network byte order.
 *
 *     NFTA_BYTEORDER_SREG, _DREG   be32 each
 *     NFTA_BYTEORDER_OP            be32 NFT_BYTEORDER_*
 *     NFTA_BYTEORDER_LEN           be32, bytes in all
 *     NFTA_BYTEORDER_SIZE          be32, bytes of each number: 2, 4 or 8
 *
 * The low half of a 4-byte number, for a port, is turned with a length and size of 2: the hosts are little-endian.
 */
export const byteorder = (turn: {
  readonly sreg: number;
  readonly dreg: number;
  readonly op: number;
  readonly length: number;
  readonly size: number;
}): Expression =>
  expression('byteorder', [
    register(NFTA_BYTEORDER_SREG, turn.sreg),
    register(NFTA_BYTEORDER_DREG, turn.dreg),
    be32(NFTA_BYTEORDER_OP, turn.op),
    be32(NFTA_BYTEORDER_LEN, turn.length),
    be32(NFTA_BYTEORDER_SIZE, turn.size),
  ]);
