/** What a tunnel's device has, whatever kind of device it is: its addresses, being up, the routes behind the peer. */
import { isIPv6 } from 'node:net';
import { isKernelError } from '../../netlink/errors.js';
import type { AssignedAddress, InterfaceAddress } from '../../netlink/route/address.js';
import { IFA_F_NODAD, RT_SCOPE_LINK, RT_SCOPE_UNIVERSE, RTPROT_KERNEL } from '../../netlink/route/constants.js';
import type { Link } from '../../netlink/route/link.js';
import type { InnerNetwork, TunnelSettings } from '../index.js';
import type { Routes } from './announce.js';
import { inPart, PlaneError } from './errors.js';
import { mendAll, type Step } from './step.js';

type Inner = Pick<TunnelSettings, 'address' | 'peerAddress' | 'inner6' | 'routes' | 'device' | 'beforeUp'>;

/**
 * Addresses as the settings want them and no others, up, and the routes. Those of IPv6 come behind up, since they go when
 * the device goes down. Rejects with PlaneError.
 */
export async function planSettled(route: Routes, settings: Inner, link: Link): Promise<Step[]> {
  const { address, peerAddress, inner6, routes = [], device, beforeUp } = settings;
  const wanted: InterfaceAddress = { index: link.index, address, prefixLength: 32, peer: peerAddress };
  const steps = await planAddress(route, wanted, link, 'ip');
  if (!link.up) {
    steps.push({
      lack: `the device ${device} is down (and what was routed there is gone)`,
      mend: async () => {
        await beforeUp?.();
        await inPart('link', route.setLink(link.index, { up: true }));
      },
    });
  }
  if (inner6 !== undefined) {
    // Of two ends neither is another's duplicate, and looking for one would keep the address waiting.
    const ends = { address: inner6.address, prefixLength: 128, peer: inner6.peerAddress, flags: IFA_F_NODAD };
    steps.push(...(await planAddress(route, { index: link.index, ...ends }, link, 'ip6')));
  }
  if (steps.length === 0) return await planRoutes(route, settings, link);
  // With its address, and when it comes up, the kernel makes the route to the peer itself; ours are to follow.
  if (routes.length > 0) {
    steps.push({
      lack: `what is routed into ${device} is gone with it`,
      mend: async () => {
        await mendAll(await planNetworks(route, settings, link));
      },
    });
  }
  return steps;
}

async function planAddress(
  route: Routes,
  wanted: InterfaceAddress,
  { index, name }: Link,
  family: 'ip' | 'ip6',
): Promise<Step[]> {
  const there = await inPart('address', route.addresses({ index, family }));
  const isWanted = (one: AssignedAddress): boolean =>
    one.address === wanted.address && one.peer === wanted.peer && one.prefixLength === wanted.prefixLength;
  // A link-local address of IPv6 is the kernel's affair.
  const others = there.filter((one) => !isWanted(one) && (family === 'ip' || one.scope === RT_SCOPE_UNIVERSE));
  const steps: Step[] = others.map((other) => ({
    lack: `the device ${name} has the address ${other.address}`,
    mend: () => inPart('address', route.deleteAddress(other)),
  }));
  if (!there.some(isWanted)) {
    steps.push({
      lack: `the device ${name} has lost its address ${wanted.address}`,
      mend: () => inPart('address', addAddress(route, wanted, name)),
    });
  }
  return steps;
}

async function addAddress(route: Routes, wanted: InterfaceAddress, device: string): Promise<void> {
  try {
    await route.addAddress(wanted);
  } catch (error) {
    const isIpv6 = wanted.prefixLength === 128;
    if (!isIpv6 || !isKernelError(error, 'EACCES', 'EOPNOTSUPP')) throw error;
    throw new PlaneError(
      'address',
      `this host has IPv6 switched off, so ${device} can't have the address ${wanted.address}: switch it on (sysctl -w net.ipv6.conf.${device}.disable_ipv6=0, or net.ipv6.conf.default.disable_ipv6 before the start), or leave out --tunl-ip6`,
      { cause: error },
    );
  }
}

async function planRoutes(route: Routes, settings: Inner, link: Link): Promise<Step[]> {
  const { address, peerAddress, inner6 } = settings;
  return [
    ...(await planPeerRoute(route, { address, peerAddress }, link)),
    ...(inner6 === undefined ? [] : await planPeerRoute(route, inner6, link)),
    ...(await planNetworks(route, settings, link)),
  ];
}

/** Asking for the one route costs the same however many there are. */
async function planPeerRoute(
  route: Routes,
  { address, peerAddress }: Pick<Inner, 'address' | 'peerAddress'>,
  { index, name }: Link,
): Promise<Step[]> {
  const towards = await inPart('address', route.routeTo(peerAddress));
  if (towards?.outInterface === index) return [];
  const isIpv6 = isIPv6(peerAddress);
  const wanted = {
    destination: peerAddress,
    prefixLength: isIpv6 ? 128 : 32,
    outInterface: index,
    // As the kernel's own, so that it goes with the address.
    protocol: RTPROT_KERNEL,
    ...(!isIpv6 && { preferredSource: address, scope: RT_SCOPE_LINK }),
  };
  return [
    { lack: `the route to ${peerAddress} by ${name} is gone`, mend: () => inPart('address', route.addRoute(wanted)) },
  ];
}

/** What lies behind the peer, as far as it is not routed there yet. */
async function planNetworks(route: Routes, settings: Inner, { index, name }: Link): Promise<Step[]> {
  const { address, inner6, routes = [] } = settings;
  const steps: Step[] = [];
  for (const family of ['ip', 'ip6'] as const) {
    const wanted = routes.filter((one) => isIPv6(one.address) === (family === 'ip6'));
    if (wanted.length === 0) continue;
    const there = await inPart('address', route.routes({ family, outInterface: index }));
    const isThere = (one: InnerNetwork): boolean =>
      there.some(({ destination, prefixLength }) => destination === one.address && prefixLength === one.prefixLength);
    const preferredSource = family === 'ip' ? address : inner6?.address;
    for (const one of wanted.filter((network) => !isThere(network))) {
      const { prefixLength } = one;
      const spec = { destination: one.address, prefixLength, outInterface: index };
      steps.push({
        lack: `the route to ${one.address}/${prefixLength} by ${name} is gone`,
        mend: () =>
          inPart('address', addRoute(route, preferredSource === undefined ? spec : { ...spec, preferredSource }, name)),
      });
    }
  }
  return steps;
}

async function addRoute(route: Routes, spec: Parameters<Routes['addRoute']>[0], device: string): Promise<void> {
  try {
    await route.addRoute(spec);
  } catch (error) {
    if (!isKernelError(error, 'EEXIST')) throw error;
    const network = `${spec.destination}/${spec.prefixLength}`;
    throw new PlaneError(
      'address',
      `${network} is routed elsewhere, so it can't be routed into ${device}: remove that route (ip route delete ${network}), or leave out --route ${network}`,
      { cause: error },
    );
  }
}
