/**
 * The memory in which the expressions of a rule work: 16 words of 4 bytes, of which NFT_REG_1 to NFT_REG_4 name four at a
 * time and NFT_REG32_00 to NFT_REG32_15 each one (linux/netfilter/nf_tables.h).
 */
import { align4 } from '../../netlink/attributes.js';
import { NFT_REG32_00, NFT_REG_1, NFT_REG_4 } from '../../netlink/nftables/index.js';
import { unknown, type MaybeByte } from './packet.js';

const BYTES = 64;
const WORD_BYTES = 4;
const QUAD_BYTES = 16;
const NOT_LOADED = 'a register that nothing was loaded into';

export class Registers {
  private memory: MaybeByte[] = unknown(BYTES, NOT_LOADED);

  /** Words are filled up with zeros, as the kernel does. What doesn't fit is left out. */
  store(register: number, bytes: readonly MaybeByte[]): void {
    const start = offsetOf(register);
    if (start === undefined) return;
    for (let index = 0; index < align4(bytes.length) && start + index < BYTES; index += 1) {
      this.memory[start + index] = bytes[index] ?? { value: 0 };
    }
  }

  load(register: number, length: number): readonly MaybeByte[] {
    const start = offsetOf(register);
    if (start === undefined || length < 0 || start + length > BYTES)
      return unknown(Math.min(BYTES, Math.max(1, length)), NOT_LOADED);
    return this.memory.slice(start, start + length);
  }

  /** After an expression that may have written anywhere. */
  forget(what: string): void {
    this.memory = unknown(BYTES, what);
  }
}

function offsetOf(register: number): number | undefined {
  if (register >= NFT_REG_1 && register <= NFT_REG_4) return (register - NFT_REG_1) * QUAD_BYTES;
  const word = register - NFT_REG32_00;
  return word >= 0 && word < BYTES / WORD_BYTES ? word * WORD_BYTES : undefined;
}
