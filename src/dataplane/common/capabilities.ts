/** The rights that the plane needs, looked at before anything is tried: the kernel's EPERM doesn't say which is missing. */
import { readFileSync } from 'node:fs';
import { PlaneError, UnsupportedError } from './errors.js';

/** linux/capability.h */
const CAPABILITIES = { CAP_NET_ADMIN: 12n, CAP_NET_RAW: 13n } as const;

export type Capability = keyof typeof CAPABILITIES;

/** Which of the wanted ones /proc/PID/status denies; none where it doesn't say. */
export function missingCapabilities(status: string, wanted: readonly Capability[]): Capability[] {
  const [, hex] = /^CapEff:\s*([0-9a-f]{1,16})$/m.exec(status) ?? [];
  if (hex === undefined) return [];
  const effective = BigInt(`0x${hex}`);
  return wanted.filter((name) => ((effective >> CAPABILITIES[name]) & 1n) === 0n);
}

/**
 * Throws PlaneError where a right is missing: UnsupportedError where it is one that not every plane needs, as containers
 * have CAP_NET_ADMIN without CAP_NET_RAW.
 */
export function requireCapabilities(wanted: readonly Capability[], status = readStatus()): void {
  const missing = missingCapabilities(status, wanted);
  if (missing.length === 0) return;
  const message = `this process lacks ${missing.join(' and ')}: run it as root, or as a service with AmbientCapabilities=${wanted.join(' ')}`;
  throw missing.includes('CAP_NET_ADMIN')
    ? new PlaneError('privilege', message)
    : new UnsupportedError('privilege', message);
}

/** Empty without /proc, where the kernel's own refusal has to do. */
function readStatus(): string {
  try {
    return readFileSync('/proc/self/status', 'utf8');
  } catch {
    return '';
  }
}
