/** In a tunnel there is nobody that the kernel could find by itself: neither routers nor neighbours. */
import { writeFileSync } from 'node:fs';
import { isKernelError } from '../../netlink/errors.js';
import { IN6_ADDR_GEN_MODE_NONE } from '../../netlink/route/constants.js';
import type { Routes } from './announce.js';

/** For a device that carries IPv6: without a link-local address nothing asks for routers. */
export async function quietIpv6(route: Routes, index: number): Promise<void> {
  try {
    await route.setLink(index, { addrGenMode: IN6_ADDR_GEN_MODE_NONE });
  } catch (error) {
    // Where there is no IPv6 to be set its address is refused as well, and that is said.
    if (!isKernelError(error, 'EAFNOSUPPORT')) throw error;
  }
}

/** For a device that carries IPv4 only. */
export function withoutIpv6(device: string): void {
  try {
    writeFileSync(`/proc/sys/net/ipv6/conf/${device}/disable_ipv6`, '1');
  } catch {
    // No IPv6, or /proc/sys can't be written: what the kernel sends then is dropped.
  }
}
