/**
 * Where inner IPv6 packets may come from: the peer's own address, and the networks behind the peer. They are the settings'
 * own, whatever else is routed into the tunnel. Addresses that are nobody's elsewhere, and our own, are not let in by any
 * network, however wide.
 */
import { isIPv6 } from 'node:net';
import { parseIpv6 } from '../../netlink/ip-address.js';
import type { InnerNetwork, TunnelSettings } from '../index.js';

export interface Inner6Networks {
  /** What is denied comes before what is allowed. */
  readonly denied: readonly InnerNetwork[];
  readonly allowed: readonly InnerNetwork[];
}

const ADDRESS_BITS = 128;

/** Unspecified and loopback, IPv4-mapped, link-local, groups (RFC 4291, sections 2.4 and 2.5). */
const NEVER: readonly InnerNetwork[] = [
  { address: '::', prefixLength: 127 },
  { address: '::ffff:0:0', prefixLength: 96 },
  { address: 'fe80::', prefixLength: 10 },
  { address: 'ff00::', prefixLength: 8 },
];

/** Undefined for a tunnel that carries no IPv6. */
export function inner6Networks({
  inner6,
  routes = [],
}: Pick<TunnelSettings, 'inner6' | 'routes'>): Inner6Networks | undefined {
  if (inner6 === undefined) return undefined;
  const allowed = [
    { address: inner6.peerAddress, prefixLength: ADDRESS_BITS },
    ...routes.filter(({ address }) => isIPv6(address)),
  ];
  const denied = [{ address: inner6.address, prefixLength: ADDRESS_BITS }, ...NEVER].filter((one) =>
    allowed.some((other) => overlap(one, other)),
  );
  return { denied, allowed };
}

/** Sixteen bytes. */
export const maskOf = (prefixLength: number): Uint8Array =>
  Uint8Array.from({ length: ADDRESS_BITS / 8 }, (_, index) => {
    const bits = Math.min(Math.max(prefixLength - 8 * index, 0), 8);
    return (0xff << (8 - bits)) & 0xff;
  });

/** Of two networks that have addresses in common one holds the other. */
function overlap(one: InnerNetwork, other: InnerNetwork): boolean {
  const mask = maskOf(Math.min(one.prefixLength, other.prefixLength));
  const [ours, theirs] = [parseIpv6(one.address), parseIpv6(other.address)];
  return mask.every((bits, at) => (((ours[at] ?? 0) ^ (theirs[at] ?? 0)) & bits) === 0);
}
