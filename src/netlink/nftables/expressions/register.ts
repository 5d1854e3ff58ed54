import { be32 } from '../../attributes.js';
import { NFT_REG32_00, NFT_REG_1 } from '../constants.js';

const WORDS_IN_REG = 4;

/**
 * An attribute that names a register. NFT_REG32_00, _04, … are the starts of NFT_REG_1, _2, …, and the kernel lists them
 * under those names (nft_dump_register), so that is how they are sent.
 */
export function register(type: number, number: number): Buffer {
  const word = number - NFT_REG32_00;
  return be32(type, word >= 0 && word % WORDS_IN_REG === 0 ? NFT_REG_1 + word / WORDS_IN_REG : number);
}
