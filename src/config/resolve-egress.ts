import { FAMILIES } from '../egress/address.js';
import { sizeOf } from '../egress/interval.js';
import { poolOf } from '../egress/pool.js';
import { findShadow, type Policy } from '../egress/policy.js';
import type { Values } from './values.js';

/** What the server does about what comes out of the tunnel; undefined: nothing. */
export interface EgressConfig {
  /** The first that is about a packet decides; what none is about is dropped. */
  readonly policies: readonly Policy[];
  /** Whether forwarding may be switched on. */
  readonly forward: boolean;
  /** The device on whose link the pools are announced. */
  readonly announce: string | undefined;
}

/** More than a link has for its hosts: a slip, by which everybody on it would be answered for. */
const ANNOUNCED_MAX = { ip: 1n << 24n, ip6: 1n << 96n } as const;

/** Throws `ConfigError`; appends to `warnings` and `notes`. */
export function resolveEgress(values: Values, warnings: string[], notes: string[]): EgressConfig | undefined {
  const given = values.all('egress');
  const forward = values.has('ip-forward');
  const announce = values.get('egress-announce')?.value;
  if (given.length === 0) {
    if (forward) warnings.push(values.warning('ip-forward', 'has no effect without --egress'));
    if (announce !== undefined) warnings.push(values.warning('egress-announce', 'has no effect without --egress'));
    return undefined;
  }
  const policies = given.map(({ value }) => value.policy);
  for (const [place, { index, value }] of given.entries()) {
    const shadow = findShadow(policies, place);
    if (shadow !== undefined) {
      const problem = `can never be asked: egress number ${shadow + 1} takes everything that it is about`;
      throw values.fault('egress', problem, { index, allowed: 'the narrower policy first' });
    }
    notes.push(...value.notes.map((note) => `egress number ${place + 1}: ${note}`));
  }
  if (announce !== undefined) refuseUnannounceable(values, policies);
  const ofIpv6 = policies.findIndex(({ action }) => action.mode === 'rotate' && action.pool.ip.length === 0);
  if (ofIpv6 >= 0 && !values.has('tunl-ip6')) {
    const problem = `number ${ofIpv6 + 1} has IPv6 addresses only, and without --tunl-ip6 the tunnel carries none`;
    warnings.push(values.warning('egress', problem));
  }
  return { policies, forward, announce };
}

function refuseUnannounceable(values: Values, policies: readonly Policy[]): void {
  const pools = policies.flatMap(({ action }) => (action.mode === 'rotate' ? [action.pool] : []));
  if (pools.length === 0) {
    throw values.fault('egress-announce', 'has nothing to announce', { allowed: 'with an --egress rotate' });
  }
  for (const family of FAMILIES) {
    if (sizeOf(poolOf(pools)[family]) <= ANNOUNCED_MAX[family]) continue;
    const widest = family === 'ip' ? '2^24 IPv4 addresses' : '2^96 IPv6 addresses';
    throw values.fault('egress-announce', 'would answer for everybody: a pool is too wide', {
      allowed: `${widest} at most`,
    });
  }
}
