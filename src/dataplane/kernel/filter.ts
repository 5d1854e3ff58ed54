/**
 * What stands between the wire and the tunnels: lets bound endpoints through and nobody else.
 *
 * Two implementations: the ruleset (nft-filter.ts), and none at all (no-filter.ts), for clients on kernels that have no
 * nf_tables.
 */
import type { BoundEndpoint } from './endpoints.js';
import type { OuterSide } from '../common/outer-path.js';
import type { Inner6Networks } from '../common/inner6-networks.js';
import type { Step } from '../common/step.js';

/** A tunnel as the filter knows it. */
export interface FilteredTunnel {
  readonly device: string;
  /** Its internal outer address. */
  readonly internal: string;
  /** The peer's inner address. */
  readonly peerAddress: string;
  /** Where its inner IPv6 packets may come from; absent: it carries none. */
  readonly sources6?: Inner6Networks;
}

/** What the filter must be, at the moment when it is asked for. */
export interface WantedFilter {
  readonly outer: OuterSide;
  readonly tunnel: FilteredTunnel;
  /** Whom it lets through. */
  readonly bound: BoundEndpoint | undefined;
}

/** What the rules name, whoever is let through. */
export type FilteredEnds = Pick<WantedFilter, 'outer' | 'tunnel'>;

export interface IngressFilter {
  /** Compares what is there. Rejects with PlaneError where something stands in its place that isn't ours. */
  plan(wanted: () => WantedFilter): Promise<Step[]>;
  /** The outer address or device is another one. */
  moveOuter(ends: FilteredEnds): Promise<void>;
  /** From the next packet on `bound` is let through, its time beginning now, and `before` is not. */
  admit(bound: BoundEndpoint, before: BoundEndpoint | undefined): Promise<void>;
  shutOut(bound: BoundEndpoint): Promise<void>;
  /** How many packets it has dropped since the first `plan`, by reason, as far as it counts. */
  dropped(): Promise<ReadonlyMap<string, number>>;
  remove(): Promise<void>;
  close(): void;
}
