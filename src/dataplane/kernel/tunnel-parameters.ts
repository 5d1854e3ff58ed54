/** What makes a link the tunnel's: compared, and told apart in words. */
import type { TunnelParameters } from '../../netlink/route/tunnel.js';

export const sameParameters = (one: TunnelParameters, other: TunnelParameters): boolean =>
  one.local === other.local &&
  one.remote === other.remote &&
  one.device === other.device &&
  one.ttl === other.ttl &&
  one.tos === other.tos &&
  one.pathMtuDiscovery === other.pathMtuDiscovery &&
  one.otherProtocol === other.otherProtocol &&
  one.fou?.sourcePort === other.fou?.sourcePort &&
  one.fou?.destinationPort === other.fou?.destinationPort &&
  one.fou?.checksum === other.fou?.checksum;

/** In words that follow the device's name. */
export function describeDifference(there: TunnelParameters, wanted: TunnelParameters): string {
  const ends = ({ local, remote, fou }: TunnelParameters): string =>
    `${local ?? 'any'} → ${remote ?? 'any'}:${fou?.destinationPort ?? '(no FOU)'}`;
  return ends(there) === ends(wanted) ? 'has other parameters' : `leads ${ends(there)} instead of ${ends(wanted)}`;
}
