import { be32, text } from '../../attributes.js';
import { NFTA_OBJREF_IMM_NAME, NFTA_OBJREF_IMM_TYPE } from './constants.js';
import { expression, type Expression } from './expression.js';

/**
 * Does to the packet what an object of the same table is for.
 *
 *     NFTA_OBJREF_IMM_TYPE  be32 NFT_OBJECT_*
 *     NFTA_OBJREF_IMM_NAME  text
 */
export const objref = (object: { readonly type: number; readonly name: string }): Expression =>
  expression('objref', [be32(NFTA_OBJREF_IMM_TYPE, object.type), text(NFTA_OBJREF_IMM_NAME, object.name)]);
