import { isKernelError } from '../../netlink/errors.js';
import type { Link, LinkSpec } from '../../netlink/route/link.js';
import type { Routes } from '../common/announce.js';
import { UnsupportedError } from '../common/errors.js';

/** Rejects with PlaneError where the kernel has no devices of that kind. */
export async function createLink(route: Routes, spec: LinkSpec): Promise<Link> {
  try {
    return await route.createLink(spec);
  } catch (error) {
    if (!isKernelError(error, 'EOPNOTSUPP')) throw error;
    throw new UnsupportedError(
      'module',
      `the kernel module ${spec.kind} is missing and could not be loaded; run "modprobe ${spec.kind}" as root, or install a kernel that has it`,
      { cause: error },
    );
  }
}
