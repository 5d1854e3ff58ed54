/** Kernel modules: all that we need load by being asked for, but `fou`. */
import { existsSync } from 'node:fs';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { FouUnavailableError } from '../../netlink/fou/client.js';
import type { SayChange } from '../../log/index.js';
import type { FouListeners, Routes } from '../common/announce.js';
import { isKernelError } from '../../netlink/errors.js';
import { inPart, messageOf, UnsupportedError } from '../common/errors.js';
import type { TunnelKind } from '../../netlink/route/tunnel.js';
import { createLink } from './create-link.js';

/** RFC 5737: documentation only. The device is never up. */
const NOBODY = '192.0.2.1';
const MODPROBE_TIMEOUT_MS = 5000;
/** Where modprobe is found although a service's PATH may not say so. */
const SYSTEM_PATHS = '/usr/sbin:/usr/bin:/sbin:/bin';

/** Makes sure that the kernel knows FOU. */
export async function ensureFou(fou: FouListeners, announce: SayChange): Promise<void> {
  if (await isLoaded(fou)) return;
  announce(() => 'modprobe fou');
  let reason = '';
  try {
    const env = { PATH: `${process.env['PATH'] ?? ''}:${SYSTEM_PATHS}` };
    await promisify(execFile)('modprobe', ['fou'], { timeout: MODPROBE_TIMEOUT_MS, env });
  } catch (error) {
    reason = `: ${messageOf(error).trim().split('\n').at(-1) ?? ''}`;
  }
  if (await isLoaded(fou)) return;
  throw new UnsupportedError(
    'module',
    `the kernel module fou is missing and could not be loaded${reason}; run "modprobe fou" as root, or install a kernel that has it`,
  );
}

/**
 * Makes sure that the kernel knows devices of the tunnel's kind, of which the first is made only when a peer comes. A
 * module that isn't loaded yet is loaded by making one, which goes again.
 */
export async function ensureTunnelKind(
  route: Routes,
  number: number,
  kind: TunnelKind,
  isThere = () => existsSync(`/sys/module/${kind}`),
): Promise<void> {
  if (isThere()) return;
  const tunnel = { remote: NOBODY, ttl: 64, tos: 0, pathMtuDiscovery: true };
  const name = `ipipou${number}try`;
  // Of these addresses there can be one only: with EEXIST another tunnel's start is trying at this moment, which will do.
  const made = createLink(route, { name, kind, tunnel }).catch((error: unknown) => {
    if (!isKernelError(error, 'EEXIST')) throw error;
  });
  await inPart('link', made);
  // Also what a start left that was killed right here.
  const left = await route.linkByName(name);
  if (left !== undefined) await inPart('link', route.deleteLink(left.index));
}

async function isLoaded(fou: FouListeners): Promise<boolean> {
  try {
    await fou.listeners();
    return true;
  } catch (error) {
    if (error instanceof FouUnavailableError) return false;
    throw error;
  }
}
