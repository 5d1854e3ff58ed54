/** The host's packet filters, as they are listed. */
import type { Chain, Element, NftablesSet, Rule } from '../../netlink/nftables/index.js';
import type { IpVersion } from './packet.js';

export interface SetFacts {
  readonly set: NftablesSet;
  /** undefined where they were too many, or couldn't be read. */
  readonly elements: readonly Element[] | undefined;
}

export interface TableFacts {
  readonly family: 'ip' | 'ip6' | 'inet' | 'netdev';
  readonly name: string;
  readonly chains: readonly Chain[];
  readonly rules: readonly Rule[];
  readonly sets: readonly SetFacts[];
}

export interface FirewallFacts {
  readonly tables: readonly TableFacts[];
  /** What could not be read and why, each in a line; without nf_tables there is nothing to read. */
  readonly unread: readonly string[];
  /** Tables of the older iptables and ip6tables, which netlink doesn't show. */
  readonly legacyTables: Readonly<Record<IpVersion, readonly string[]>>;
}
