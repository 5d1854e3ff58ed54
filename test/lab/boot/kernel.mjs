// Where the unpacked lab kernels lie. scripts/lib/lab-kernel.mjs puts them there; this file only looks.
import { existsSync, readdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** The kernels the suite promises to pass on. The first is the default, and the oldest one we support. */
export const LAB_KERNELS = ['6.1', '6.12'];

/** @typedef {{ version: string, release: string, image: string, modules: string }} LabKernel */

/** The version that LAB_KERNEL asks for. @returns {string} */
export function wantedKernel() {
  const version = process.env.LAB_KERNEL ?? LAB_KERNELS[0];
  if (!LAB_KERNELS.includes(version)) {
    throw new Error(`LAB_KERNEL=${version}: known are ${LAB_KERNELS.join(' and ')}`);
  }
  return version;
}

/** Outside the repository, so that a fresh checkout finds it filled. */
export const cacheFolder = () => join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'ipipou-ts', 'lab');

/** @param {string} version */
export const kernelFolder = (version) => join(cacheFolder(), version);

/**
 * @param {string} version
 * @returns {LabKernel | undefined} undefined where it hasn't been unpacked
 */
export function findKernel(version) {
  const root = kernelFolder(version);
  const image = join(root, 'boot', 'image');
  if (!existsSync(image)) return undefined;
  const [release] = readdirSync(join(root, 'lib', 'modules'));
  return release === undefined
    ? undefined
    : { version, release, image, modules: join(root, 'lib', 'modules', release) };
}
