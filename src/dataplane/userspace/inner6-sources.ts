/** Where inner IPv6 packets may come from, as the packet module compares it. */
import { parseIpv6 } from '../../netlink/ip-address.js';
import { PlaneError } from '../common/errors.js';
import { inner6Networks, maskOf } from '../common/inner6-networks.js';
import type { InnerNetwork, TunnelSettings } from '../index.js';

/** Sixteen bytes each. */
export interface Ipv6Prefix {
  readonly address: Uint8Array;
  readonly mask: Uint8Array;
}

/** What is denied comes before what is allowed. */
export interface Ipv6Sources {
  readonly denied: readonly Ipv6Prefix[];
  readonly allowed: readonly Ipv6Prefix[];
}

/** As the packet module has room for. */
export const MAX_PREFIXES = 256;

/** Undefined for a tunnel that carries no IPv6. Throws PlaneError for more networks than there is room for. */
export function inner6Sources(settings: TunnelSettings): Ipv6Sources | undefined {
  const networks = inner6Networks(settings);
  if (networks === undefined) return undefined;
  const { denied, allowed } = networks;
  const room = MAX_PREFIXES - denied.length;
  if (allowed.length > room) {
    throw new PlaneError(
      'address',
      `${allowed.length - 1} IPv6 networks behind the peer are more than the userspace data plane can tell apart: give ${room - 1} at most (--route), wider ones`,
    );
  }
  return { denied: denied.map(prefixOf), allowed: allowed.map(prefixOf) };
}

const prefixOf = ({ address, prefixLength }: InnerNetwork): Ipv6Prefix => ({
  address: Uint8Array.from(parseIpv6(address)),
  mask: maskOf(prefixLength),
});
