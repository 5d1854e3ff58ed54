/** How long inner packets may be on the way to the peer. */
import type { Endpoint } from '../../core/endpoint.js';
import type { Logger } from '../../log/index.js';
import type { Routes } from '../common/announce.js';
import type { OuterFollower } from '../common/outer-follower.js';

/** RFC 791 and RFC 768 headers in front of the inner packet. */
const OUTER_HEADER_BYTES = 28;
const SMALLEST_MTU = 68;

export interface MtuQuestion {
  readonly route: Routes;
  readonly outer: OuterFollower;
  /** Where the tunnel leads, if it does. */
  readonly endpoint: Endpoint | undefined;
  readonly device: string;
  /** The answer of before, for when there is no other. */
  readonly before: number | undefined;
  readonly log: Logger;
}

export interface FittingMtu {
  readonly mtu: number | undefined;
  /** The kernel has learnt that the way is narrower than its device, and will forget it. */
  readonly isLearnt: boolean;
}

export async function fittingMtu({ route, outer, endpoint, device, before, log }: MtuQuestion): Promise<FittingMtu> {
  const unknown = { mtu: before, isLearnt: false };
  if (endpoint === undefined) return { mtu: room(outer.path.device.mtu), isLearnt: false };
  const forced = outer.boundDevice;
  const path = await route.routeTo(endpoint.address, forced === undefined ? {} : { oif: forced });
  if (path?.outInterface === undefined) return unknown;
  const link = await route.linkByIndex(path.outInterface);
  if (link === undefined) return unknown;
  if (link.name === device) {
    log.limited('route into itself', 'WARN', () => {
      return `the route to ${endpoint.address} leads into the tunnel itself, so nothing can leave: add a route to it by the outer device`;
    });
    return unknown;
  }
  const learnt = path.mtu ?? Infinity;
  return { mtu: room(Math.min(link.mtu, learnt)), isLearnt: learnt < link.mtu };
}

/** What an outer MTU leaves for the inner packet. */
const room = (outerMtu: number): number => Math.max(SMALLEST_MTU, outerMtu - OUTER_HEADER_BYTES);
