import { NFT_REG_1 } from '../constants.js';
import { encodeFields } from '../data-type.js';
import { bitwise } from './bitwise.js';
import { NFT_META_MARK } from './constants.js';
import type { Expression } from './expression.js';
import { metaLoad, metaWrite } from './meta.js';

/** `meta mark set meta mark | BITS`: sets these bits of the packet's mark, and leaves the others alone. */
export const setMarkBits = (bits: number): Expression[] => [
  metaLoad({ key: NFT_META_MARK, dreg: NFT_REG_1 }),
  bitwise({ sreg: NFT_REG_1, dreg: NFT_REG_1, mask: mark(~bits >>> 0), xor: mark(bits) }),
  metaWrite({ key: NFT_META_MARK, sreg: NFT_REG_1 }),
];

const mark = (value: number): Buffer => encodeFields(['mark'], [value]);
