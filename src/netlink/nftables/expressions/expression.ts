import { nested, text, type AttributeDecoder } from '../../attributes.js';
import { NFTA_EXPR_DATA, NFTA_EXPR_NAME } from '../constants.js';
import { decoded, faulty, type Decoded } from '../decoded.js';

/** One step of a rule: which kind, and that kind's own attributes, encoded one after the other. */
export interface Expression {
  readonly name: string;
  readonly data: Buffer;
}

export const expression = (name: string, attributes: readonly Buffer[]): Expression => ({
  name,
  data: Buffer.concat(attributes),
});

/** `type { NFTA_EXPR_NAME text, NFTA_EXPR_DATA { the kind's attributes } }` */
export const encodeExpression = (type: number, { name, data }: Expression): Buffer =>
  nested(type, [text(NFTA_EXPR_NAME, name), nested(NFTA_EXPR_DATA, [data])]);

/** Reads what is inside such an attribute. An expression without parameters has no data. The bytes are a copy. */
export function decodeExpression(attributes: AttributeDecoder): Decoded<Expression> {
  const name = attributes.text(NFTA_EXPR_NAME);
  const data = attributes.bytes(NFTA_EXPR_DATA);
  if (attributes.fault !== undefined) return faulty(attributes.fault);
  if (name === undefined) return faulty('an expression without name');
  return decoded({ name, data: Buffer.from(data ?? []) });
}
