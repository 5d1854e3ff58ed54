import { AttributeDecoder, attribute, be64, nested, NLA_HDRLEN, text } from '../attributes.js';
import type { ChainRef } from './chain.js';
import {
  NFTA_LIST_ELEM,
  NFTA_RULE_CHAIN,
  NFTA_RULE_EXPRESSIONS,
  NFTA_RULE_HANDLE,
  NFTA_RULE_TABLE,
  NFTA_RULE_USERDATA,
  NFTNL_UDATA_RULE_COMMENT,
} from './constants.js';
import { decoded, faulty, type Decoded } from './decoded.js';
import { decodeExpression, encodeExpression, type Expression } from './expressions/expression.js';
import type { Family } from './message.js';
import { commentEntry, decodeComment } from './userdata.js';

interface RulePlace {
  readonly family: Family;
  readonly table: string;
  readonly chain: string;
}

/** Names a rule. */
export interface RuleRef extends RulePlace {
  readonly handle: bigint;
}

/** A rule to be made: its expressions run in order until one of them does not match. */
export interface RuleSpec extends RulePlace {
  readonly expressions: readonly Expression[];
  /** Shown by `nft list`; up to 127 bytes. */
  readonly comment?: string;
}

/** A rule as the kernel has it. */
export interface Rule extends RuleRef {
  readonly expressions: readonly Expression[];
  readonly comment: string | undefined;
}

/**
 *     NFTA_RULE_TABLE       text
 *     NFTA_RULE_CHAIN       text
 *     NFTA_RULE_EXPRESSIONS { NFTA_LIST_ELEM { NFTA_EXPR_NAME text, NFTA_EXPR_DATA {…} } … }
 *     [NFTA_RULE_USERDATA   { comment }]
 */
export function encodeRule(rule: RuleSpec): Buffer[] {
  const attributes = [...encodePlace(rule), nested(NFTA_RULE_EXPRESSIONS, rule.expressions.map(encodeListed))];
  if (rule.comment !== undefined) {
    attributes.push(attribute(NFTA_RULE_USERDATA, commentEntry(NFTNL_UDATA_RULE_COMMENT, rule.comment)));
  }
  return attributes;
}

/** An expression as an entry of the list. */
export const encodeListed = (expression: Expression): Buffer => encodeExpression(NFTA_LIST_ELEM, expression);

/** Where the list's first entry begins among the attributes of `encodeRule`, in bytes. */
export const expressionsOffset = (rule: RulePlace): number =>
  encodePlace(rule).reduce((bytes, { length }) => bytes + length, NLA_HDRLEN);

/** What deletes a rule. */
export const encodeRuleRef = (rule: RuleRef): Buffer[] => [...encodePlace(rule), be64(NFTA_RULE_HANDLE, rule.handle)];

/** What in NFT_MSG_DELRULE removes every rule of a chain. */
export const encodeChainRules = (chain: ChainRef): Buffer[] => encodePlace({ table: chain.table, chain: chain.name });

/** What asks for the rules of a table. */
export const encodeRulesFilter = (table: string): Buffer[] => [text(NFTA_RULE_TABLE, table)];

export function decodeRule(family: Family, bytes: Buffer): Decoded<Rule> {
  const attributes = new AttributeDecoder(bytes);
  const table = attributes.text(NFTA_RULE_TABLE);
  const chain = attributes.text(NFTA_RULE_CHAIN);
  const handle = attributes.be64(NFTA_RULE_HANDLE);
  const list = attributes.nested(NFTA_RULE_EXPRESSIONS);
  const entries = list?.list(NFTA_LIST_ELEM) ?? [];
  const comment = decodeComment(attributes.bytes(NFTA_RULE_USERDATA), NFTNL_UDATA_RULE_COMMENT);
  const fault = attributes.fault ?? list?.fault;
  if (fault !== undefined) return faulty(fault);
  if (table === undefined || chain === undefined || handle === undefined) {
    return faulty('a rule without table, chain or handle');
  }
  const expressions: Expression[] = [];
  for (const entry of entries) {
    const expression = decodeExpression(entry);
    if (!expression.ok) return expression;
    expressions.push(expression.value);
  }
  return decoded({ family, table, chain, handle, expressions, comment });
}

const encodePlace = (place: Pick<RulePlace, 'table' | 'chain'>): Buffer[] => [
  text(NFTA_RULE_TABLE, place.table),
  text(NFTA_RULE_CHAIN, place.chain),
];
