/**
 * Rules of policy routing: bodies of RTM_NEWRULE, RTM_DELRULE and RTM_GETRULE.
 *
 *     struct fib_rule_hdr { u8 family, dst_len, src_len, tos, table, res1, res2, action; u32 flags; }  attributes
 *
 * Host byte order (linux/fib_rules.h).
 */
import { AttributeDecoder, text, u32 } from '../attributes.js';
import {
  AF_INET,
  AF_INET6,
  FIB_RULE_INVERT,
  FR_ACT_PROHIBIT,
  FR_ACT_TO_TBL,
  FRA_DPORT_RANGE,
  FRA_DST,
  FRA_FLOW,
  FRA_FWMARK,
  FRA_FWMASK,
  FRA_IIFNAME,
  FRA_IP_PROTO,
  FRA_L3MDEV,
  FRA_OIFNAME,
  FRA_PRIORITY,
  FRA_SPORT_RANGE,
  FRA_SRC,
  FRA_TABLE,
  FRA_TUN_ID,
  FRA_UID_RANGE,
  RT_TABLE_LOCAL,
} from './constants.js';

const FIB_RULE_HDR_LENGTH = 12;
const TABLE_OFFSET = 4;
const ACTION_OFFSET = 7;
const FLAGS_OFFSET = 8;

/** Packets that are as it says are refused a route. */
export interface ProhibitRule {
  readonly family: 'ip' | 'ip6';
  /** Rules run in ascending order; 0 is the one for local addresses. */
  readonly priority: number;
  /** They came in by this device; absent: by any. */
  readonly inputDevice?: string;
  /** Of the bits of `mask`, their mark has those of `value` and no others. */
  readonly mark: { readonly value: number; readonly mask: number };
}

/** A rule as the kernel lists it. */
export interface PolicyRule {
  readonly family: 'ip' | 'ip6';
  readonly priority: number;
  /** It looks up the host's own addresses. */
  readonly isLocalTable: boolean;
  /** The whole of it, where it is one of these. */
  readonly prohibit: ProhibitRule | undefined;
}

/** The rule as ip-rule(8) takes it, behind `add` or `delete`. */
export function ruleText({ priority, inputDevice, mark: { value, mask } }: ProhibitRule): string {
  return [
    ...(inputDevice === undefined ? [] : [`iif ${inputDevice}`]),
    `fwmark 0x${value.toString(16)}/0x${mask.toString(16)}`,
    `priority ${priority}`,
    'prohibit',
  ].join(' ');
}

/** fib_rule_hdr, FRA_PRIORITY u32, FRA_IIFNAME text, FRA_FWMARK u32, FRA_FWMASK u32 */
export function encodeProhibitRule({ family, priority, inputDevice, mark }: ProhibitRule): Buffer {
  const header = Buffer.alloc(FIB_RULE_HDR_LENGTH);
  header.writeUInt8(family === 'ip' ? AF_INET : AF_INET6, 0);
  header.writeUInt8(FR_ACT_PROHIBIT, ACTION_OFFSET);
  return Buffer.concat([
    header,
    u32(FRA_PRIORITY, priority),
    ...(inputDevice === undefined ? [] : [text(FRA_IIFNAME, inputDevice)]),
    u32(FRA_FWMARK, mark.value),
    u32(FRA_FWMASK, mark.mask),
  ]);
}

/** Asks for the rules of all families. */
export const encodeRuleDump = (): Buffer => Buffer.alloc(FIB_RULE_HDR_LENGTH);

/** Undefined for what is malformed or of another family than IP's. */
export function decodeRule(body: Buffer): PolicyRule | undefined {
  if (body.length < FIB_RULE_HDR_LENGTH) return undefined;
  const family = FAMILY_NAMES[body.readUInt8(0)];
  if (family === undefined) return undefined;
  const given = new AttributeDecoder(body.subarray(FIB_RULE_HDR_LENGTH));
  // The first of all says none.
  const priority = given.u32(FRA_PRIORITY) ?? 0;
  const table = given.u32(FRA_TABLE) ?? body.readUInt8(TABLE_OFFSET);
  const isBare =
    // A prohibition looks up no table, and the kernel says 0 where none was given.
    table === 0 &&
    (body.readUInt32BE(0) & 0xff_ffff) === 0 &&
    OTHER_SELECTORS.every((type) => given.bytes(type) === undefined);
  const isInverted = (body.readUInt32LE(FLAGS_OFFSET) & FIB_RULE_INVERT) !== 0;
  const [action, inputDevice] = [body.readUInt8(ACTION_OFFSET), given.text(FRA_IIFNAME)];
  const mark = { value: given.u32(FRA_FWMARK) ?? 0, mask: given.u32(FRA_FWMASK) ?? 0 };
  const prohibit = {
    family,
    priority,
    ...(inputDevice !== undefined && { inputDevice }),
    mark,
  };
  return {
    family,
    priority,
    isLocalTable: action === FR_ACT_TO_TBL && table === RT_TABLE_LOCAL,
    prohibit: action === FR_ACT_PROHIBIT && isBare && !isInverted ? prohibit : undefined,
  };
}

/** Of what a rule may go by, what a ProhibitRule has no words for. */
const OTHER_SELECTORS = [
  ...[FRA_DST, FRA_SRC, FRA_FLOW, FRA_TUN_ID, FRA_OIFNAME, FRA_L3MDEV, FRA_UID_RANGE],
  ...[FRA_IP_PROTO, FRA_SPORT_RANGE, FRA_DPORT_RANGE],
];

const FAMILY_NAMES: Readonly<Record<number, ProhibitRule['family']>> = { [AF_INET]: 'ip', [AF_INET6]: 'ip6' };
