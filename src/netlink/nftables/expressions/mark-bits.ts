import { NFT_REG_1 } from '../constants.js';
import { encodeFields } from '../data-type.js';
import { bitwise } from './bitwise.js';
import { NFT_META_MARK } from './constants.js';
import type { Expression } from './expression.js';
import { metaLoad, metaWrite } from './meta.js';

/** `meta mark set meta mark & KEPT ^ FLIPPED` */
export const changeMarkBits = (kept: number, flipped: number): Expression[] => [
  metaLoad({ key: NFT_META_MARK, dreg: NFT_REG_1 }),
  bitwise({ sreg: NFT_REG_1, dreg: NFT_REG_1, mask: mark(kept), xor: mark(flipped) }),
  metaWrite({ key: NFT_META_MARK, sreg: NFT_REG_1 }),
];

const mark = (value: number): Buffer => encodeFields(['mark'], [value]);
