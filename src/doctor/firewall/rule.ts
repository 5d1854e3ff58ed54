/** What one rule does with a packet of the tunnel: its expressions run in order until one of them doesn't match. */
import { AttributeDecoder } from '../../netlink/attributes.js';
import { decodeData } from '../../netlink/nftables/data.js';
import {
  NFT_LOOKUP_F_INV,
  NFT_RANGE_NEQ,
  NFT_REG_VERDICT,
  NFTA_BITWISE_DREG,
  NFTA_BITWISE_LEN,
  NFTA_BITWISE_MASK,
  NFTA_BITWISE_OP,
  NFTA_BITWISE_SREG,
  NFTA_BITWISE_XOR,
  NFTA_CMP_DATA,
  NFTA_CMP_OP,
  NFTA_CMP_SREG,
  NFTA_FIB_DREG,
  NFTA_FIB_FLAGS,
  NFTA_FIB_RESULT,
  NFTA_IMMEDIATE_DATA,
  NFTA_IMMEDIATE_DREG,
  NFTA_LOOKUP_DREG,
  NFTA_LOOKUP_FLAGS,
  NFTA_LOOKUP_SET,
  NFTA_LOOKUP_SREG,
  NFTA_META_DREG,
  NFTA_META_KEY,
  NFTA_PAYLOAD_BASE,
  NFTA_PAYLOAD_DREG,
  NFTA_PAYLOAD_LEN,
  NFTA_PAYLOAD_OFFSET,
  NFTA_RANGE_FROM_DATA,
  NFTA_RANGE_OP,
  NFTA_RANGE_SREG,
  NFTA_RANGE_TO_DATA,
  type Data,
  type Expression,
  type Rule,
  type Verdict,
} from '../../netlink/nftables/index.js';
import { compares, not, within, type Answer } from './compare.js';
import {
  NFT_NAT_DNAT,
  NFTA_CT_DREG,
  NFTA_CT_KEY,
  NFTA_MATCH_INFO,
  NFTA_MATCH_NAME,
  NFTA_MATCH_REV,
  NFTA_NAT_TYPE,
  NFTA_TARGET_NAME,
} from './constants.js';
import type { SetFacts } from './facts.js';
import { conntrackBytes, fibBytes, metaBytes, payloadBytes } from './fields.js';
import { whatIsUnknown, type JudgedPacket, type MaybeByte } from './packet.js';
import { Registers } from './registers.js';
import { lookUp } from './set-lookup.js';
import { xtMatches, xtTarget } from './xtables.js';

/** A verdict, or: sent to another port or host; decided by a program; not known to us. */
export type RuleVerdict = Verdict | { readonly kind: 'diverted' | 'queued' | 'unknown' };

export interface RuleOutcome {
  readonly matches: Answer;
  /** What may become of a packet that matches; none where the rule only counts, marks or logs. */
  readonly verdicts: readonly RuleVerdict[];
  /** Why it isn't known whether it matches: what it depends on. */
  readonly dependsOn: readonly string[];
}

export type SetsByName = ReadonlyMap<string, SetFacts>;

/** What an expression does: nothing that matters here, tell matching from not matching, or decide. */
type Effect =
  | { readonly kind: 'goes-on' }
  | { readonly kind: 'tests'; readonly answer: Answer; readonly dependsOn: string }
  | {
      readonly kind: 'decides';
      readonly answer: Answer;
      readonly verdicts: readonly RuleVerdict[];
      readonly dependsOn: string;
    };

const GOES_ON: Effect = { kind: 'goes-on' };
const decides = (verdict: RuleVerdict): Effect => ({
  kind: 'decides',
  answer: 'yes',
  verdicts: [verdict],
  dependsOn: '',
});
const tests = (answer: Answer, bytes: readonly MaybeByte[]): Effect => ({
  kind: 'tests',
  answer,
  dependsOn: whatIsUnknown(bytes),
});

/** Total: what can't be read or isn't known to us makes the outcome less certain, never wrong. */
export function judgeRule(packet: JudgedPacket, rule: Rule, sets: SetsByName): RuleOutcome {
  const registers = new Registers();
  const dependsOn: string[] = [];
  let matches: Answer = 'yes';
  for (const expression of rule.expressions) {
    const effect = judgeExpression(packet, expression, registers, sets);
    if (effect.kind === 'goes-on') continue;
    if (effect.answer === 'no') return { matches: 'no', verdicts: [], dependsOn: [] };
    if (effect.answer === 'maybe') {
      matches = 'maybe';
      dependsOn.push(effect.dependsOn);
    }
    if (effect.kind === 'decides') return { matches, verdicts: effect.verdicts, dependsOn };
  }
  return { matches, verdicts: [], dependsOn };
}

function judgeExpression(
  packet: JudgedPacket,
  { name, data }: Expression,
  registers: Registers,
  sets: SetsByName,
): Effect {
  const given = new AttributeDecoder(data);
  const load = (dreg: number | undefined, bytes: readonly MaybeByte[]): Effect => {
    // Without a target it is a write, into the packet or its mark, and doesn't concern the registers.
    if (dreg !== undefined) registers.store(dreg, bytes);
    return GOES_ON;
  };
  switch (name) {
    case 'meta':
      return load(given.be32(NFTA_META_DREG), metaBytes(packet, given.be32(NFTA_META_KEY) ?? -1));
    case 'payload': {
      const [base, offset] = [given.be32(NFTA_PAYLOAD_BASE) ?? -1, given.be32(NFTA_PAYLOAD_OFFSET) ?? 0];
      return load(given.be32(NFTA_PAYLOAD_DREG), payloadBytes(packet, base, offset, given.be32(NFTA_PAYLOAD_LEN) ?? 0));
    }
    case 'ct':
      return load(given.be32(NFTA_CT_DREG), conntrackBytes(packet, given.be32(NFTA_CT_KEY) ?? -1));
    case 'fib':
      return load(
        given.be32(NFTA_FIB_DREG),
        fibBytes(packet, given.be32(NFTA_FIB_RESULT) ?? 0, given.be32(NFTA_FIB_FLAGS) ?? 0),
      );
    case 'bitwise':
      return bitwise(given, registers);
    case 'cmp': {
      const wanted = value(given, NFTA_CMP_DATA);
      if (wanted === undefined) return unsure('a comparison that could not be read');
      const bytes = registers.load(given.be32(NFTA_CMP_SREG) ?? -1, wanted.length);
      return tests(compares(bytes, given.be32(NFTA_CMP_OP) ?? -1, wanted), bytes);
    }
    case 'range': {
      const [from, to] = [value(given, NFTA_RANGE_FROM_DATA), value(given, NFTA_RANGE_TO_DATA)];
      if (from === undefined || to === undefined) return unsure('a comparison that could not be read');
      const bytes = registers.load(given.be32(NFTA_RANGE_SREG) ?? -1, from.length);
      const inside = within(bytes, from, to);
      return tests(given.be32(NFTA_RANGE_OP) === NFT_RANGE_NEQ ? not(inside) : inside, bytes);
    }
    case 'lookup':
      return lookup(given, registers, sets);
    case 'immediate':
      return immediate(given, registers);
    // The tunnel's traffic may be any.
    case 'limit':
      return unsure('the rate');
    case 'match': {
      const match = given.text(NFTA_MATCH_NAME) ?? '';
      const info = given.bytes(NFTA_MATCH_INFO) ?? Buffer.alloc(0);
      const answer = xtMatches(packet, match, given.be32(NFTA_MATCH_REV) ?? -1, info);
      return { kind: 'tests', answer, dependsOn: `the iptables match ${match}` };
    }
    case 'target': {
      const verdict = xtTarget(given.text(NFTA_TARGET_NAME) ?? '');
      return verdict === 'goes-on' ? GOES_ON : decides({ kind: verdict });
    }
    case 'reject':
      return decides({ kind: 'drop' });
    case 'queue':
      return decides({ kind: 'queued' });
    case 'nat':
      return decides({ kind: given.be32(NFTA_NAT_TYPE) === NFT_NAT_DNAT ? 'diverted' : 'accept' });
    case 'masq':
      return decides({ kind: 'accept' });
    case 'redir':
    case 'tproxy':
    case 'fwd':
    case 'synproxy':
      return decides({ kind: 'diverted' });
    case 'counter':
    case 'log':
    case 'notrack':
    case 'objref':
    case 'dup':
    case 'last':
    case 'flow_offload':
      return GOES_ON;
    default:
      registers.forget(`the expression ${name}`);
      return unsure(`the expression ${name}`);
  }
}

const unsure = (dependsOn: string): Effect => ({ kind: 'tests', answer: 'maybe', dependsOn });

function bitwise(given: AttributeDecoder, registers: Registers): Effect {
  const dreg = given.be32(NFTA_BITWISE_DREG) ?? -1;
  const bytes = registers.load(given.be32(NFTA_BITWISE_SREG) ?? -1, given.be32(NFTA_BITWISE_LEN) ?? 0);
  const [mask, xor] = [value(given, NFTA_BITWISE_MASK), value(given, NFTA_BITWISE_XOR)];
  const isMasked =
    (given.be32(NFTA_BITWISE_OP) ?? 0) === 0 && mask?.length === bytes.length && xor?.length === bytes.length;
  registers.store(
    dreg,
    bytes.map((byte, index): MaybeByte => {
      const [keep, flip] = [mask?.[index], xor?.[index]];
      if (!isMasked || keep === undefined || flip === undefined) return { unknown: 'a computed value' };
      // Bits that are masked out are known whatever they were.
      if (keep === 0) return { value: flip };
      return 'value' in byte ? { value: (byte.value & keep) ^ flip } : byte;
    }),
  );
  return GOES_ON;
}

function lookup(given: AttributeDecoder, registers: Registers, sets: SetsByName): Effect {
  const set = given.text(NFTA_LOOKUP_SET) ?? '';
  const facts = sets.get(set);
  const dreg = given.be32(NFTA_LOOKUP_DREG);
  const bytes = registers.load(given.be32(NFTA_LOOKUP_SREG) ?? -1, facts?.set.keyLength ?? 0);
  const { found, values } = lookUp(facts, bytes);
  const isInverted = ((given.be32(NFTA_LOOKUP_FLAGS) ?? 0) & NFT_LOOKUP_F_INV) !== 0;
  const dependsOn = facts?.elements === undefined ? `the set ${set}, which could not be read` : whatIsUnknown(bytes);
  if (dreg === undefined) return { kind: 'tests', answer: isInverted ? not(found) : found, dependsOn };
  if (dreg === NFT_REG_VERDICT) {
    const verdicts = values.flatMap((one): Verdict[] => (Buffer.isBuffer(one) ? [] : [one]));
    const unread: RuleVerdict[] = facts?.elements === undefined ? [{ kind: 'unknown' }] : [];
    return { kind: 'decides', answer: found, verdicts: [...verdicts, ...unread], dependsOn };
  }
  const [only, ...others] = values.flatMap((one) => (Buffer.isBuffer(one) ? [one] : []));
  if (only !== undefined && others.length === 0 && found === 'yes') {
    registers.store(
      dreg,
      [...only].map((byte) => ({ value: byte })),
    );
  } else {
    registers.forget(dependsOn);
  }
  return { kind: 'tests', answer: found, dependsOn };
}

function immediate(given: AttributeDecoder, registers: Registers): Effect {
  const data = dataOf(given, NFTA_IMMEDIATE_DATA);
  const dreg = given.be32(NFTA_IMMEDIATE_DREG);
  if (Buffer.isBuffer(data)) {
    registers.store(
      dreg ?? -1,
      [...data].map((byte) => ({ value: byte })),
    );
    return GOES_ON;
  }
  return decides(data ?? { kind: 'unknown' });
}

function value(given: AttributeDecoder, type: number): Buffer | undefined {
  const data = dataOf(given, type);
  return Buffer.isBuffer(data) ? data : undefined;
}

function dataOf(given: AttributeDecoder, type: number): Data | undefined {
  const bytes = given.bytes(type);
  const decoded = bytes === undefined ? undefined : decodeData(bytes);
  return decoded?.ok === true ? decoded.value : undefined;
}
