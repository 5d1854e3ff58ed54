// Whether what is made from sources is older than they are.
import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** The newest change of a file, or of any file below a folder; 0 where there is none. @param {string} path @returns {number} */
export function newest(path) {
  if (!existsSync(path)) return 0;
  const stat = statSync(path);
  if (!stat.isDirectory()) return stat.mtimeMs;
  return Math.max(0, ...readdirSync(path).map((name) => newest(join(path, name))));
}

/** What dist/ is made by: its code cache is taken by no other. */
export const BUILT_BY = `${process.version} ${process.arch}`;

/** @param {string} dist */
export function isBuiltByThisNode(dist) {
  const manifest = join(dist, 'package.json');
  return existsSync(manifest) && JSON.parse(readFileSync(manifest, 'utf8')).builtBy === BUILT_BY;
}

/** @param {string} made @param {readonly string[]} sources */
export const isStale = (made, sources) => newest(made) < Math.max(...sources.map(newest));

/**
 * Whether node_modules holds exactly what the lockfile names. Compared by content: a fresh checkout gives every file a
 * new time, and that is no reason to install anything.
 * @param {string} root
 */
export function installedMatchesLockfile(root) {
  const hidden = join(root, 'node_modules', '.package-lock.json');
  if (!existsSync(hidden)) return false;
  /** @type {{ packages: Record<string, { version?: string, optional?: boolean }> }} */
  const wanted = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'));
  /** @type {typeof wanted} */
  const installed = JSON.parse(readFileSync(hidden, 'utf8'));
  return Object.entries(wanted.packages).every(
    ([path, { version, optional }]) =>
      path === '' ||
      installed.packages[path]?.version === version ||
      (optional === true && !(path in installed.packages)),
  );
}
