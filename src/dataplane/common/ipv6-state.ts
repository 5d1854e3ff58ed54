import { readFileSync } from 'node:fs';
import { PlaneError } from './errors.js';

const SYSCTLS = '/proc/sys/net/ipv6/conf';

/** Whether a device that is made now can have IPv6 addresses; `absent`: the kernel has no IPv6. */
export type Ipv6State = 'on' | 'off' | 'absent';

/** `all` switches devices off that are there, and stands for whoever wants no IPv6; `default` is what new ones get. */
export function ipv6State(): Ipv6State {
  try {
    const isOff = ['all', 'default'].some(
      (name) => readFileSync(`${SYSCTLS}/${name}/disable_ipv6`, 'utf8').trim() === '1',
    );
    return isOff ? 'off' : 'on';
  } catch {
    return 'absent';
  }
}

export const IPV6_REMEDY: Readonly<Record<'off' | 'absent', string>> = {
  off: 'sysctl -w net.ipv6.conf.all.disable_ipv6=0 net.ipv6.conf.default.disable_ipv6=0, or leave out --tunl-ip6',
  absent: 'another kernel, or a boot without ipv6.disable=1; or leave out --tunl-ip6',
};

/** The device is made when the peer comes, which is late for finding out. Throws PlaneError. */
export function ensureIpv6(inner6: { readonly address: string } | undefined, state = ipv6State()): void {
  if (inner6 === undefined || state === 'on') return;
  const what = state === 'off' ? 'this host has IPv6 switched off' : 'this kernel has no IPv6';
  throw new PlaneError(
    'address',
    `${what}, so the tunnel can't have the address ${inner6.address}: ${IPV6_REMEDY[state]}`,
  );
}
