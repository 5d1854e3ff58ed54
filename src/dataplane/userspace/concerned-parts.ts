/** What has to be looked at again after a change of the host's devices, addresses and routes. */
import { isIPv6 } from 'node:net';
import type { Link } from '../../netlink/route/link.js';
import type { RouteEvent } from '../../netlink/route/events.js';
import { mayMatter, type SourceRange } from './inner-sources.js';
import type { TunDevice } from './tun-device.js';

/** What can be looked at by itself; `path` is the host's own way out, `sources` what is routed into the tunnel. */
export const PARTS = ['path', 'device', 'sources'] as const;
export type Part = (typeof PARTS)[number];

interface Concern {
  readonly device: Pick<TunDevice, 'index' | 'concerns' | 'isAsWanted'>;
  readonly mtu: number | undefined;
  /** What the routes into the tunnel cover. */
  readonly covered: readonly SourceRange[];
}

/** Most events tell of our own changes, or of what is none of our business. */
export function concernedParts(event: RouteEvent, concern: Concern): readonly Part[] {
  const { device, covered } = concern;
  switch (event.kind) {
    case 'link-changed':
    case 'link-removed':
      return partsOfLink(event, event.link, concern);
    case 'address-added':
    case 'address-removed':
      if (device.concerns(event.address)) return ['device', 'sources'];
      // The outer side has IPv4 alone.
      return isIPv6(event.address.address) ? [] : ['path'];
    case 'route-added':
    case 'route-removed': {
      const { route } = event;
      const isOurs = route.outInterface === device.index;
      if (isIPv6(route.destination)) return isOurs ? ['device'] : [];
      if (isOurs) return ['device', 'sources'];
      return mayMatter(route, device.index, covered) ? ['path', 'sources'] : ['path'];
    }
    case 'overrun':
      return PARTS;
  }
}

function partsOfLink({ kind }: RouteEvent, link: Link, { device, mtu }: Concern): readonly Part[] {
  if (!device.concerns(link)) return link.up ? ['path'] : ['path', 'sources'];
  return kind === 'link-changed' && device.isAsWanted(link, mtu) ? [] : ['device', 'sources'];
}
