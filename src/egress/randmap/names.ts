/** What the table of the map contains, by name. */
import type { BaseChain } from '../../netlink/nftables/chain.js';
import { NF_IP_PRI_MANGLE } from '../../netlink/nftables/constants.js';
import type { SetSpec } from '../../netlink/nftables/set.js';
import type { RandmapHook } from './spec.js';

export const FAMILY = 'inet';
export const TABLE = 'ipipou-randmap';
/** Tells our table from one that only has its name. */
export const TABLE_MARK = 'ipipou-ts randmap';

/**
 * Behind the reassembly of fragments (-400), before connection tracking (-200), which must see a packet neither before
 * nor after it is mapped: one side of the connection would be missing.
 */
const BEFORE_TRACKING = -310;
/** Behind every other rule: what is looked at until then is the packet as the host knows it. */
const LAST = 310;

const base = (type: 'filter' | 'route', hook: BaseChain['hook'], priority: number): BaseChain => ({
  type,
  hook,
  priority,
  policy: 'accept',
});

/** The chain of each hook. Only one of type `route` has the packet routed anew if it gets another destination. */
export const HOOK_CHAINS: Readonly<Record<RandmapHook, BaseChain>> = {
  PREROUTING: base('filter', 'prerouting', BEFORE_TRACKING),
  INPUT: base('filter', 'input', NF_IP_PRI_MANGLE),
  FORWARD: base('filter', 'forward', NF_IP_PRI_MANGLE),
  OUTPUT: base('route', 'output', BEFORE_TRACKING),
  POSTROUTING: base('filter', 'postrouting', LAST),
};

/** Where packets that later hooks map are kept from tracking: behind the rules that may change what they look like. */
export const UNTRACK_CHAINS = {
  'untrack-prerouting': base('filter', 'prerouting', BEFORE_TRACKING + 5),
  'untrack-output': base('filter', 'output', BEFORE_TRACKING + 5),
} as const;

/** Never entered: see `tproxy`. */
export const REASSEMBLY_CHAIN = 'reassembly';

export const hookChain = (hook: RandmapHook): string => hook.toLowerCase();
export const mappingChain = (id: number): string => `map-${id}`;
export const errorChain = (id: number): string => `map-${id}-errors`;
/** On the rules that lead into the chains of a rule of ours; the first of them counts for `show`. */
export const ruleComment = (id: number): string => `map ${id}`;
export const errorComment = (id: number): string => `map ${id}, quoted in errors`;
export const untrackComment = (id: number): string => `map ${id}, not tracked`;

/** What was asked for, in words: comments on elements `number . part`, since one comment is short. */
export const ORDERS: SetSpec = { family: FAMILY, table: TABLE, name: 'orders', key: ['mark', 'mark'] };
/** Parts up to here are words; this one says how the device was set before. */
export const LINK_PART = 255;
