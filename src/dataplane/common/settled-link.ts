/** What a tunnel's device has, whatever kind of device it is: its address, being up, the route to the peer. */
import type { AssignedAddress } from '../../netlink/route/address.js';
import { RT_SCOPE_LINK, RTPROT_KERNEL } from '../../netlink/route/constants.js';
import type { Link } from '../../netlink/route/link.js';
import type { TunnelSettings } from '../index.js';
import type { Routes } from './announce.js';
import { inPart } from './errors.js';
import type { Step } from './step.js';

type Inner = Pick<TunnelSettings, 'address' | 'peerAddress' | 'device'>;

/** Addresses as the settings want them and no others, then up. Rejects with PlaneError. */
export async function planSettled(route: Routes, settings: Inner, link: Link): Promise<Step[]> {
  const { address, peerAddress, device } = settings;
  const there = await inPart('address', route.addresses({ index: link.index }));
  const isWanted = (one: AssignedAddress): boolean =>
    one.address === address && one.peer === peerAddress && one.prefixLength === 32;
  const steps: Step[] = there
    .filter((one) => !isWanted(one))
    .map((other) => ({
      lack: `the device ${device} has the address ${other.address}`,
      mend: () => inPart('address', route.deleteAddress(other)),
    }));
  if (!there.some(isWanted)) {
    const wanted = { index: link.index, address, prefixLength: 32, peer: peerAddress };
    steps.push({
      lack: `the device ${device} has lost its address ${address}`,
      mend: () => inPart('address', route.addAddress(wanted)),
    });
  }
  if (!link.up) {
    steps.push({
      lack: `the device ${device} is down (and what was routed there is gone)`,
      mend: () => inPart('link', route.setLink(link.index, { up: true })),
    });
  }
  // With its address, and when it comes up, the kernel makes the route itself.
  return steps.length > 0 ? steps : await planRoute(route, settings, link);
}

/** Asking for the one route costs the same however many there are. */
async function planRoute(route: Routes, { address, peerAddress, device }: Inner, link: Link): Promise<Step[]> {
  const towards = await inPart('address', route.routeTo(peerAddress));
  if (towards?.outInterface === link.index) return [];
  const wanted = {
    destination: peerAddress,
    prefixLength: 32,
    outInterface: link.index,
    preferredSource: address,
    scope: RT_SCOPE_LINK,
    // As the kernel's own, so that it goes with the address.
    protocol: RTPROT_KERNEL,
  };
  return [
    {
      lack: `the route to ${peerAddress} by ${device} is gone`,
      mend: () => inPart('address', route.addRoute(wanted)),
    },
  ];
}
