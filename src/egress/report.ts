/** What there is to say of a tunnel's egress, as data for whoever shows it. */
import { formatAddress } from './address.js';
import { formatPolicy, type Policy } from './policy.js';
import { poolSize } from './pool.js';
import { unusableOf, type Rotation } from './rotation.js';
import { usablePool } from './usable.js';

export interface PolicyReport {
  /** Its place in the list, from 1. */
  readonly number: number;
  /** As it would be written. */
  readonly policy: string;
  /** With `per=tunnel` the addresses held, of each IP version one at most; else null. */
  readonly holds: readonly string[] | null;
  /** Milliseconds until it is drawn anew; null where no time is set. */
  readonly nextMs: number | null;
  /** How many addresses there are to draw from, in decimal; null where none is drawn. */
  readonly available: string | null;
}

export interface BanReport {
  readonly address: string;
  /** Milliseconds until it ends; null: for good. */
  readonly leftMs: number | null;
}

export interface EgressReport {
  readonly device: string;
  readonly policies: readonly PolicyReport[];
  readonly bans: readonly BanReport[];
  /** Addresses of pools that are not drawn because they are the server's own. */
  readonly own: readonly string[];
}

export function reportEgress(
  device: string,
  policies: readonly Policy[],
  rotation: Rotation,
  nowMs: number,
): EgressReport {
  const { slots, bans, own } = rotation;
  const left = (untilMs: number | undefined): number | null =>
    untilMs === undefined ? null : Math.max(0, Math.round(untilMs - nowMs));
  const unusable = unusableOf(rotation);
  return {
    device,
    policies: policies.map((policy, index) => {
      const slot = slots.find((one) => one.device === device && one.index === index);
      const { action } = policy;
      return {
        number: index + 1,
        policy: formatPolicy(policy),
        holds: slot === undefined ? null : Object.values(slot.held).map((address) => formatAddress(address)),
        nextMs: left(slot?.dueMs),
        available: action.mode === 'rotate' ? poolSize(usablePool(action, unusable)).toString() : null,
      };
    }),
    bans: bans.map(({ address, untilMs }) => ({ address: formatAddress(address), leftMs: left(untilMs) })),
    own: own.map((address) => formatAddress(address)),
  };
}
