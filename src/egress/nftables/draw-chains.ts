/** Chains that draw from a pool and then do something with the address: one for each piece, chosen by its size. */
import { NFT_REG32_00, NFT_REG_VERDICT } from '../../netlink/nftables/constants.js';
import type { ElementSpec } from '../../netlink/nftables/element.js';
import { immediateVerdict, lookup, type Expression } from '../../netlink/nftables/expressions/index.js';
import type { AddressFamily } from '../address.js';
import type { Intervals } from '../interval.js';
import { drawPiece, drawShare, wordBytes } from './draw-words.js';
import { cutPool, shareOut, type Shares } from './pieces.js';
import type { TableBuilder } from './table-builder.js';

/** Where the address is when `use` begins. */
export const DRAWN_REGISTER = NFT_REG32_00;

/** Fills the chain; a pool of one piece needs no choice. `use` are the expressions behind the draw. */
export function addDraw(
  table: TableBuilder,
  chain: string,
  family: AddressFamily,
  intervals: Intervals,
  use: readonly Expression[],
): void {
  const { modulus, shares } = shareOut(cutPool(family, intervals));
  const [first, ...others] = shares;
  if (first === undefined) return;
  if (others.length === 0) {
    table.rule(chain, undefined, [...drawPiece(first.piece, DRAWN_REGISTER), ...use]);
    return;
  }
  const pieceChain = (index: number): string => `${chain}-${index}`;
  shares.forEach(({ piece }, index) => {
    table.chain(pieceChain(index));
    table.rule(pieceChain(index), undefined, [...drawPiece(piece, DRAWN_REGISTER), ...use]);
  });
  const map = `${chain}-shares`;
  table.set({ name: map, key: ['mark'], data: 'verdict', intervals: true }, shareElements(shares, pieceChain));
  table.rule(chain, undefined, [
    ...drawShare(modulus, DRAWN_REGISTER),
    lookup({ set: map, sreg: DRAWN_REGISTER, dreg: NFT_REG_VERDICT }),
  ]);
}

function shareElements(shares: Shares['shares'], chainOf: (index: number) => string): ElementSpec[] {
  return shares.flatMap(({ from, to }, index) => [
    { key: wordBytes(from), data: { kind: 'goto', chain: chainOf(index) } as const },
    { key: wordBytes(to + 1), isIntervalEnd: true },
  ]);
}

export const gotoChain = (chain: string): Expression => immediateVerdict({ kind: 'goto', chain });
export const jumpTo = (chain: string): Expression => immediateVerdict({ kind: 'jump', chain });
