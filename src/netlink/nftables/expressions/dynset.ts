import { AttributeDecoder, be32, be64, text } from '../../attributes.js';
import {
  NFTA_DYNSET_EXPR,
  NFTA_DYNSET_FLAGS,
  NFTA_DYNSET_OP,
  NFTA_DYNSET_SET_NAME,
  NFTA_DYNSET_SREG_DATA,
  NFTA_DYNSET_SREG_KEY,
  NFTA_DYNSET_TIMEOUT,
  NFT_DYNSET_OP_ADD,
  NFT_DYNSET_OP_UPDATE,
} from './constants.js';
import { decodeExpression, encodeExpression, expression, type Expression } from './expression.js';
import { register } from './register.js';

/**
 * Puts the packet's key into a dynamic set; `update` also renews the timeout of one that is there. It matches if the
 * element is there afterwards (not if the set is full) and the expression attached to it matches: each element has its
 * own state, so that a `limit` becomes a budget of each key.
 *
 *     NFTA_DYNSET_SREG_KEY     be32
 *     [NFTA_DYNSET_SREG_DATA   be32, maps only]
 *     NFTA_DYNSET_OP           be32 NFT_DYNSET_OP_ADD | NFT_DYNSET_OP_UPDATE
 *     NFTA_DYNSET_SET_NAME     text
 *     [NFTA_DYNSET_TIMEOUT     be64 milliseconds]
 *     [NFTA_DYNSET_EXPR        { NFTA_EXPR_NAME text, NFTA_EXPR_DATA {…} }]
 *     NFTA_DYNSET_FLAGS        be32 0
 */
export function dynset(operation: {
  readonly set: string;
  readonly op: 'add' | 'update';
  readonly sregKey: number;
  readonly sregData?: number;
  /** Default: the set's own. */
  readonly timeoutMs?: number;
  readonly attached?: Expression;
}): Expression {
  const { set, op, sregKey, sregData, timeoutMs, attached } = operation;
  return expression('dynset', [
    register(NFTA_DYNSET_SREG_KEY, sregKey),
    ...(sregData === undefined ? [] : [register(NFTA_DYNSET_SREG_DATA, sregData)]),
    be32(NFTA_DYNSET_OP, op === 'add' ? NFT_DYNSET_OP_ADD : NFT_DYNSET_OP_UPDATE),
    text(NFTA_DYNSET_SET_NAME, set),
    ...(timeoutMs === undefined ? [] : [be64(NFTA_DYNSET_TIMEOUT, BigInt(timeoutMs))]),
    ...(attached === undefined ? [] : [encodeExpression(NFTA_DYNSET_EXPR, attached)]),
    be32(NFTA_DYNSET_FLAGS, 0),
  ]);
}

/** The expression attached to it; undefined where there is none, or where this is another one. */
export function attachedTo(listed: Expression): Expression | undefined {
  if (listed.name !== 'dynset') return undefined;
  const attached = new AttributeDecoder(listed.data).nested(NFTA_DYNSET_EXPR);
  const result = attached === undefined ? undefined : decodeExpression(attached);
  return result?.ok === true ? result.value : undefined;
}
