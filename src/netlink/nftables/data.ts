/** What a register, an element of a map or a comparison holds: bytes, or in the verdict register a verdict. */
import { AttributeDecoder, attribute, be32, nested, text } from '../attributes.js';
import {
  NFTA_DATA_VALUE,
  NFTA_DATA_VERDICT,
  NFTA_VERDICT_CHAIN,
  NFTA_VERDICT_CODE,
  NFT_CONTINUE,
  NFT_GOTO,
  NFT_JUMP,
  NFT_RETURN,
  NF_ACCEPT,
  NF_DROP,
} from './constants.js';
import { decoded, faulty, type Decoded } from './decoded.js';

const verdictCodes = {
  accept: NF_ACCEPT,
  drop: NF_DROP,
  continue: NFT_CONTINUE,
  return: NFT_RETURN,
  jump: NFT_JUMP,
  goto: NFT_GOTO,
} as const;

type VerdictKind = keyof typeof verdictCodes;

/** What becomes of the packet. `jump` comes back behind the rule, `goto` does not. */
export type Verdict =
  | { readonly kind: 'accept' | 'drop' | 'continue' | 'return' }
  | { readonly kind: 'jump' | 'goto'; readonly chain: string };

export type Data = Buffer | Verdict;

/** For comparisons and masks, which hold bytes only: `type { NFTA_DATA_VALUE bytes }`. */
export const encodeValue = (type: number, value: Uint8Array): Buffer =>
  nested(type, [attribute(NFTA_DATA_VALUE, value)]);

/**
 *     type {
 *       NFTA_DATA_VALUE       bytes          either
 *       NFTA_DATA_VERDICT {                  or
 *         NFTA_VERDICT_CODE   be32, signed
 *         [NFTA_VERDICT_CHAIN text]          jump and goto
 *       }
 *     }
 */
export function encodeData(type: number, data: Data): Buffer {
  if (Buffer.isBuffer(data)) return encodeValue(type, data);
  const verdict = [be32(NFTA_VERDICT_CODE, verdictCodes[data.kind])];
  if ('chain' in data) verdict.push(text(NFTA_VERDICT_CHAIN, data.chain));
  return nested(type, [nested(NFTA_DATA_VERDICT, verdict)]);
}

/** Reads what is inside the attribute that `encodeData` makes. The bytes are a copy. */
export function decodeData(bytes: Buffer): Decoded<Data> {
  const attributes = new AttributeDecoder(bytes);
  const value = attributes.bytes(NFTA_DATA_VALUE);
  const verdict = attributes.bytes(NFTA_DATA_VERDICT);
  if (attributes.fault !== undefined) return faulty(attributes.fault);
  if (verdict !== undefined) return decodeVerdict(verdict);
  return value === undefined ? faulty('data that are neither value nor verdict') : decoded(Buffer.from(value));
}

function decodeVerdict(bytes: Buffer): Decoded<Verdict> {
  const attributes = new AttributeDecoder(bytes);
  const code = attributes.be32(NFTA_VERDICT_CODE);
  const chain = attributes.text(NFTA_VERDICT_CHAIN);
  if (attributes.fault !== undefined) return faulty(attributes.fault);
  if (code === undefined) return faulty('a verdict without code');
  const kind = (Object.keys(verdictCodes) as VerdictKind[]).find((name) => verdictCodes[name] === (code | 0));
  if (kind === undefined) return faulty(`a verdict with the unknown code ${code | 0}`);
  if (kind !== 'jump' && kind !== 'goto') return decoded({ kind });
  return chain === undefined ? faulty(`a ${kind} without chain`) : decoded({ kind, chain });
}
