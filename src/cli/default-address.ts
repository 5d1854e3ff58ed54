import { readFileSync } from 'node:fs';
import { networkInterfaces, type NetworkInterfaceInfo } from 'node:os';

type Interfaces = Readonly<Record<string, readonly NetworkInterfaceInfo[] | undefined>>;

/**
 * The IPv4 address under which this host most likely answers: the device's first one, without a device that of the
 * default route's. A guess to be shown to the user, no more: behind NAT it is another one.
 */
export function defaultAddress(device: string | undefined): string | undefined {
  return pickAddress(device ?? defaultDevice(readRoutes()), networkInterfaces());
}

export function pickAddress(device: string | undefined, interfaces: Interfaces): string | undefined {
  if (device === undefined) return undefined;
  return interfaces[device]?.find(({ family }) => family === 'IPv4')?.address;
}

/** The device of the default route with the lowest metric, in the text of `/proc/net/route` (proc(5)). */
export function defaultDevice(routes: string): string | undefined {
  const defaults = routes
    .split('\n')
    .slice(1)
    .map((line) => line.split(/\s+/))
    .filter(([, destination, , , , , , mask]) => destination === '00000000' && mask === '00000000');
  defaults.sort((a, b) => Number(a[6]) - Number(b[6]));
  return defaults[0]?.[0];
}

function readRoutes(): string {
  try {
    return readFileSync('/proc/net/route', 'utf8');
  } catch {
    // Without procfs there is no guess, and the user is shown a placeholder.
    return '';
  }
}
