/** The expressions that draw an address or a port, anew for each packet that comes this far. */
import {
  byteorder,
  immediateData,
  NFT_BYTEORDER_HTON,
  numgen,
  type Expression,
} from '../../netlink/nftables/expressions/index.js';
import type { PortRange } from '../policy.js';
import type { Piece } from './pieces.js';

const WORD_BYTES = 4;
const PORT_BYTES = 2;
/**
 * A whole word has 2^32 values, one more than the kernel's generator takes: a free word is never 0xffffffff. No count
 * that anybody could make shows it.
 */
const FREE_WORD_VALUES = 0xffff_ffff;

/** An address of the piece, network byte order, in the words of registers that begin at `dreg` (NFT_REG32_*). */
export function drawPiece({ fixed, low, high, freeWords }: Piece, dreg: number): Expression[] {
  const words = [
    ...fixed.map((value) => ({ from: value, to: value })),
    { from: low, to: high },
    ...Array.from({ length: freeWords }, () => ({ from: 0, to: FREE_WORD_VALUES })),
  ];
  return words.flatMap(({ from, to }, index) => drawWord(from, to, dreg + index));
}

/** A port of the range, network byte order, in the first two bytes of the register. */
export function drawPort({ from, to }: PortRange, dreg: number): Expression[] {
  if (from === to) return [immediateData({ dreg, data: portBytes(from) })];
  const turn = { op: NFT_BYTEORDER_HTON, length: PORT_BYTES, size: PORT_BYTES };
  return [numgen({ dreg, modulus: to - from + 1, offset: from }), byteorder({ sreg: dreg, dreg, ...turn })];
}

/** In host byte order a number below `modulus`, turned so that it can be looked up among intervals. */
export const drawShare = (modulus: number, dreg: number): Expression[] => [
  numgen({ dreg, modulus }),
  byteorder({ sreg: dreg, dreg, op: NFT_BYTEORDER_HTON, length: WORD_BYTES, size: WORD_BYTES }),
];

export function portBytes(port: number): Buffer {
  const bytes = Buffer.alloc(PORT_BYTES);
  bytes.writeUInt16BE(port);
  return bytes;
}

export function wordBytes(value: number): Buffer {
  const bytes = Buffer.alloc(WORD_BYTES);
  bytes.writeUInt32BE(value);
  return bytes;
}

function drawWord(from: number, to: number, dreg: number): Expression[] {
  if (from === to) return [immediateData({ dreg, data: wordBytes(from) })];
  const modulus = Math.min(to - from + 1, FREE_WORD_VALUES);
  return [
    numgen({ dreg, modulus, offset: from }),
    byteorder({ sreg: dreg, dreg, op: NFT_BYTEORDER_HTON, length: WORD_BYTES, size: WORD_BYTES }),
  ];
}
