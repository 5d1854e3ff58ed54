/** What the egress table of a daemon contains, by name. */
import type { SetSpec } from '../../netlink/nftables/set.js';

export const FAMILY = 'inet';

/** Beside EGRESS_MARK, on what is let out of a tunnel as it is. */
export const AS_IT_IS_MARK = 0x2000_0000;

/** Behind the reassembly of fragments (-400), before connection tracking (-200). */
export const EARLY_PRIORITY = -310;
/** Behind all that may set marks of its own, right before the way is looked up. */
export const ENTER_PRIORITY = 310;
/** Behind every translation. */
export const CHECK_PRIORITY = 310;
/** Behind the check: what leaves here leaves. */
export const BACKSTOP_PRIORITY = 311;

export const CHAIN_EARLY = 'early';
export const CHAIN_ENTER = 'enter';
export const CHAIN_LEAVE = 'leave';
export const CHAIN_CHECK = 'check';
export const CHAIN_BACKSTOP = 'backstop';
export const CHAIN_MARKED = 'marked';

/** Set: the tunnel devices. */
export const TUNNELS = 'tunnels';
/** Verdict maps, by tunnel device: the policies as they are asked early, for new connections, and for what goes by. */
export const EARLY = 'early-policies';
export const LEAVE = 'leave-policies';
export const CHECK = 'check-policies';
/** Maps: tunnel device and place of the policy → the address that the tunnel holds. */
export const HELD = { ip: 'held-ipv4', ip6: 'held-ipv6' } as const;
/** Verdict maps: an address of a pool of `per=packet` → back to its tunnel. */
export const RETURN = { ip: 'return-ipv4', ip6: 'return-ipv6' } as const;

export function heldMap(table: string, family: 'ip' | 'ip6'): SetSpec {
  const data = family === 'ip' ? (['ipv4_addr'] as const) : (['ipv6_addr'] as const);
  return { family: FAMILY, table, name: HELD[family], key: ['ifname', 'mark'], data };
}
