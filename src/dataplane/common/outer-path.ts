/** Finds the device and address that outer packets leave by. */
import { RT_SCOPE_UNIVERSE, RTN_LOCAL, RTN_UNICAST } from '../../netlink/route/constants.js';
import type { Link } from '../../netlink/route/link.js';
import type { Routes } from './announce.js';
import { PlaneError } from './errors.js';

/**
 * RFC 7600's dummy address, which no route but the default one leads to. Asking for it costs the same however many
 * routes there are; reading them all on every change would not.
 */
const BY_DEFAULT_ROUTE_ONLY = '192.0.0.8';

/** Where the outer packets leave and arrive; what is left out is found out, and followed when it changes. */
export interface OuterWish {
  readonly address?: string;
  /** Bind to this device. */
  readonly device?: string;
  readonly port: number;
  /** Without address and device: those of the route to this address, without it the default route's. */
  readonly towards?: string;
}

/** The wire side of the tunnel; it may change while the tunnel is up. */
export interface OuterSide {
  readonly address: string;
  readonly port: number;
  /** Take packets from this device only. */
  readonly device?: string;
}

export interface OuterPath {
  readonly address: string;
  /** The device that `address` was found on. */
  readonly device: Link;
  /** On the way to the server, where that decides the path: behind another gateway lies another network. */
  readonly gateway?: string;
}

/** Rejects with PlaneError, in words about the option to give, where the host has nothing fitting. */
export async function findOuterPath(route: Routes, wish: OuterWish): Promise<OuterPath> {
  if (wish.device !== undefined) return await onDevice(route, wish.device, wish.address);
  if (wish.address !== undefined) return await withAddress(route, wish.address);
  return await towards(route, wish.towards);
}

async function onDevice(route: Routes, name: string, address: string | undefined): Promise<OuterPath> {
  const device = await route.linkByName(name);
  if (device === undefined) {
    throw new PlaneError(
      'outer',
      `there is no device ${name}: correct --fou-dev (or the part of --fou-local behind @)`,
    );
  }
  return { device, address: address ?? (await firstAddress(route, device)) };
}

async function withAddress(route: Routes, address: string): Promise<OuterPath> {
  const owner = (await route.addresses()).find((assigned) => assigned.address === address);
  const device = owner === undefined ? undefined : await route.linkByIndex(owner.index);
  if (device === undefined) {
    throw new PlaneError('outer', `no device of this host has the address ${address}: correct --fou-local-ip`);
  }
  return { device, address };
}

async function towards(route: Routes, destination: string | undefined): Promise<OuterPath> {
  const path = await route.routeTo(destination ?? BY_DEFAULT_ROUTE_ONLY);
  const device = path?.outInterface === undefined ? undefined : await route.linkByIndex(path.outInterface);
  if (path?.type !== RTN_UNICAST || device === undefined) {
    throw new PlaneError('outer', whyNoPath(destination, path?.type));
  }
  const address = path.preferredSource ?? (await firstAddress(route, device));
  return { device, address, ...(path.gateway !== undefined && { gateway: path.gateway }) };
}

function whyNoPath(destination: string | undefined, type: number | undefined): string {
  if (destination === undefined) {
    return 'there is no default route to take the outer device from: name the device, e.g. --fou-local @eth0';
  }
  if (type !== RTN_LOCAL) return `there is no route to ${destination}: is the network up?`;
  return `${destination} is an address of this host itself: correct --fou-remote, which is to lead to the server`;
}

async function firstAddress(route: Routes, device: Link): Promise<string> {
  const addresses = await route.addresses({ index: device.index });
  const address = (addresses.find(({ scope }) => scope === RT_SCOPE_UNIVERSE) ?? addresses[0])?.address;
  if (address === undefined) {
    throw new PlaneError('outer', `device ${device.name} has no IPv4 address: give one to it, or use --fou-local-ip`);
  }
  return address;
}
