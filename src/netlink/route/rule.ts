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
  FR_ACT_PROHIBIT,
  FRA_FWMARK,
  FRA_FWMASK,
  FRA_IIFNAME,
  FRA_PRIORITY,
  FRA_TABLE,
} from './constants.js';

const FIB_RULE_HDR_LENGTH = 12;
const ACTION_OFFSET = 7;

/** Packets that are as it says are refused a route. */
export interface ProhibitRule {
  readonly family: 'ip' | 'ip6';
  /** Rules run in ascending order; 0 is the one for local addresses. */
  readonly priority: number;
  /** They came in by this device; absent: by any. */
  readonly inputDevice?: string;
  /** Of the bits of `mask`, their mark has those of `value` and no others. */
  readonly mark: { readonly value: number; readonly mask: number };
  /** Nothing is looked up in it: it tells rules apart that are the same otherwise, each of an owner of its own. */
  readonly table?: number;
}

/** The rule as ip-rule(8) takes it, behind `add` or `delete`. */
export function ruleText({ priority, inputDevice, mark: { value, mask }, table }: ProhibitRule): string {
  return [
    ...(inputDevice === undefined ? [] : [`iif ${inputDevice}`]),
    `fwmark 0x${value.toString(16)}/0x${mask.toString(16)}`,
    ...(table === undefined ? [] : [`table ${table}`]),
    `priority ${priority}`,
    'prohibit',
  ].join(' ');
}

/** fib_rule_hdr, FRA_PRIORITY u32, FRA_IIFNAME text, FRA_FWMARK u32, FRA_FWMASK u32, FRA_TABLE u32 */
export function encodeProhibitRule({ family, priority, inputDevice, mark, table }: ProhibitRule): Buffer {
  const header = Buffer.alloc(FIB_RULE_HDR_LENGTH);
  header.writeUInt8(family === 'ip' ? AF_INET : AF_INET6, 0);
  header.writeUInt8(FR_ACT_PROHIBIT, ACTION_OFFSET);
  return Buffer.concat([
    header,
    u32(FRA_PRIORITY, priority),
    ...(inputDevice === undefined ? [] : [text(FRA_IIFNAME, inputDevice)]),
    u32(FRA_FWMARK, mark.value),
    u32(FRA_FWMASK, mark.mask),
    ...(table === undefined ? [] : [u32(FRA_TABLE, table)]),
  ]);
}

/** Asks for the rules of all families. */
export const encodeRuleDump = (): Buffer => Buffer.alloc(FIB_RULE_HDR_LENGTH);

/** Undefined for what is malformed, of another family than IP's, or does not refuse a route. */
export function decodeProhibitRule(body: Buffer): ProhibitRule | undefined {
  if (body.length < FIB_RULE_HDR_LENGTH || body.readUInt8(ACTION_OFFSET) !== FR_ACT_PROHIBIT) return undefined;
  const family = FAMILY_NAMES[body.readUInt8(0)];
  if (family === undefined) return undefined;
  const given = new AttributeDecoder(body.subarray(FIB_RULE_HDR_LENGTH));
  const [inputDevice, table] = [given.text(FRA_IIFNAME), given.u32(FRA_TABLE)];
  return {
    family,
    // The first of all has none.
    priority: given.u32(FRA_PRIORITY) ?? 0,
    ...(inputDevice !== undefined && { inputDevice }),
    mark: { value: given.u32(FRA_FWMARK) ?? 0, mask: given.u32(FRA_FWMASK) ?? 0 },
    // Without one the kernel says 0.
    ...(table !== undefined && table !== 0 && { table }),
  };
}

const FAMILY_NAMES: Readonly<Record<number, ProhibitRule['family']>> = { [AF_INET]: 'ip', [AF_INET6]: 'ip6' };
