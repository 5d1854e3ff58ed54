/**
 * Which inner IPv6 sources may come out of the tunnel: the peer's own address, and the networks behind the peer. They
 * are the settings' own, whatever else is routed into the tunnel. Addresses that are nobody's elsewhere, and our own,
 * are not let in by any network, however wide.
 */
import { parseIpv6 } from '../../netlink/ip-address.js';
import { PlaneError } from '../common/errors.js';
import type { TunnelSettings } from '../index.js';

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

const ADDRESS_BITS = 128;

/** Unspecified and loopback, IPv4-mapped, link-local, groups (RFC 4291, sections 2.4 and 2.5). */
const NEVER = [prefix('::', 127), prefix('::ffff:0:0', 96), prefix('fe80::', 10), prefix('ff00::', 8)];

/** Undefined for a tunnel that carries no IPv6. Throws PlaneError for more networks than there is room for. */
export function inner6Sources({ inner6, routes = [] }: TunnelSettings): Ipv6Sources | undefined {
  if (inner6 === undefined) return undefined;
  const networks = routes.filter(({ address }) => address.includes(':'));
  const allowed = [
    prefix(inner6.peerAddress, ADDRESS_BITS),
    ...networks.map(({ address, prefixLength }) => prefix(address, prefixLength)),
  ];
  const denied = [prefix(inner6.address, ADDRESS_BITS), ...NEVER].filter((one) =>
    allowed.some((other) => overlap(one, other)),
  );
  const room = MAX_PREFIXES - denied.length;
  if (allowed.length > room) {
    throw new PlaneError(
      'address',
      `${networks.length} IPv6 networks behind the peer are more than the userspace data plane can tell apart: give ${room - 1} at most (--route), wider ones`,
    );
  }
  return { denied, allowed };
}

function prefix(address: string, prefixLength: number): Ipv6Prefix {
  const mask = Uint8Array.from({ length: ADDRESS_BITS / 8 }, (_, index) => {
    const bits = Math.min(Math.max(prefixLength - 8 * index, 0), 8);
    return (0xff << (8 - bits)) & 0xff;
  });
  return { address: Uint8Array.from(parseIpv6(address)), mask };
}

/** Of two prefixes that have addresses in common one holds the other. */
const overlap = (one: Ipv6Prefix, other: Ipv6Prefix): boolean =>
  one.address.every((byte, at) => {
    const mask = (one.mask[at] ?? 0) & (other.mask[at] ?? 0);
    return ((byte ^ (other.address[at] ?? 0)) & mask) === 0;
  });
