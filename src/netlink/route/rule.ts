/**
 * Rules of policy routing: bodies of RTM_NEWRULE and RTM_DELRULE.
 *
 *     struct fib_rule_hdr { u8 family, dst_len, src_len, tos, table, res1, res2, action; u32 flags; }  attributes
 *
 * Host byte order (linux/fib_rules.h).
 */
import { text, u32 } from '../attributes.js';
import { AF_INET, AF_INET6, FR_ACT_PROHIBIT, FRA_FWMARK, FRA_FWMASK, FRA_IIFNAME, FRA_PRIORITY } from './constants.js';

const FIB_RULE_HDR_LENGTH = 12;
const ACTION_OFFSET = 7;

/** Packets that came in by a device, and have none of the bits of `unmarked` in their mark, are refused a route. */
export interface ProhibitRule {
  readonly family: 'ip' | 'ip6';
  /** Rules run in ascending order; 0 is the one for local addresses. */
  readonly priority: number;
  readonly inputDevice: string;
  readonly unmarked: number;
}

/** fib_rule_hdr, FRA_PRIORITY u32, FRA_IIFNAME text, FRA_FWMARK u32 0, FRA_FWMASK u32 */
export function encodeProhibitRule({ family, priority, inputDevice, unmarked }: ProhibitRule): Buffer {
  const header = Buffer.alloc(FIB_RULE_HDR_LENGTH);
  header.writeUInt8(family === 'ip' ? AF_INET : AF_INET6, 0);
  header.writeUInt8(FR_ACT_PROHIBIT, ACTION_OFFSET);
  return Buffer.concat([
    header,
    u32(FRA_PRIORITY, priority),
    text(FRA_IIFNAME, inputDevice),
    u32(FRA_FWMARK, 0),
    u32(FRA_FWMASK, unmarked),
  ]);
}
