/** How long inner packets may be on the way to the peer. */
import type { Endpoint } from '../../core/endpoint.js';
import type { Logger } from '../../log/index.js';
import type { Routes } from '../common/announce.js';
import type { OuterFollower } from '../common/outer-follower.js';
import type { TunnelSettings } from '../index.js';

/** RFC 791 and RFC 768 headers in front of the inner packet. */
const OUTER_HEADER_BYTES = 28;
const SMALLEST_MTU = 68;
/** Below this a device has no IPv6 (RFC 8200, section 5). */
const SMALLEST_IPV6_MTU = 1280;

export interface MtuQuestion {
  readonly route: Routes;
  readonly outer: OuterFollower;
  /** Where the tunnel leads, if it does. */
  readonly endpoint: Endpoint | undefined;
  readonly tunnel: Pick<TunnelSettings, 'device' | 'inner6'>;
  /** The answer of before, for when there is no other. */
  readonly before: FittingMtu;
  readonly log: Logger;
}

export interface FittingMtu {
  readonly mtu: number | undefined;
  /** The kernel has learnt that the way is narrower than its device, and will forget it. */
  readonly isLearnt: boolean;
  /** The way is too narrow for the least that IPv6 asks for: what does not fit has to be sent in fragments. */
  readonly isNarrow: boolean;
}

export const UNKNOWN_MTU: FittingMtu = { mtu: undefined, isLearnt: false, isNarrow: false };

export async function fittingMtu({ route, outer, endpoint, tunnel, before, log }: MtuQuestion): Promise<FittingMtu> {
  const unknown = { ...before, isLearnt: false };
  const carriesIpv6 = tunnel.inner6 !== undefined;
  if (endpoint === undefined) return fitted(outer.path.device.mtu, Infinity, carriesIpv6);
  const forced = outer.boundDevice;
  const path = await route.routeTo(endpoint.address, forced === undefined ? {} : { oif: forced });
  if (path?.outInterface === undefined) return unknown;
  const link = await route.linkByIndex(path.outInterface);
  if (link === undefined) return unknown;
  if (link.name === tunnel.device) {
    log.limited('route into itself', 'WARN', () => {
      return `the route to ${endpoint.address} leads into the tunnel itself, so nothing can leave: add a route to it by the outer device`;
    });
    return unknown;
  }
  return fitted(link.mtu, path.mtu ?? Infinity, carriesIpv6);
}

/** What the MTU of the outer device, and that of the way as far as it is learnt, leave for the inner packet. */
function fitted(ofDevice: number, learnt: number, carriesIpv6: boolean): FittingMtu {
  const room = Math.min(ofDevice, learnt) - OUTER_HEADER_BYTES;
  return {
    mtu: Math.max(carriesIpv6 ? SMALLEST_IPV6_MTU : SMALLEST_MTU, room),
    isLearnt: learnt < ofDevice,
    isNarrow: carriesIpv6 && room < SMALLEST_IPV6_MTU,
  };
}
