import { realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { ClientConfig, ServerConfig } from '../config/index.js';

const fileName = (config: ClientConfig | ServerConfig): string => `${config.tunlDev}.${config.mode}.json`;

/** Where a tunnel remembers across restarts what it must not forget. */
export const statePath = (config: ClientConfig | ServerConfig): string => join(config.stateDir, fileName(config));

/**
 * The files that a client of this tunnel may remember in, whoever runs it: those that are there, or may be and can't be
 * looked at; where there is none, that of a daemon with this configuration.
 */
export async function statePathsInUse(config: ClientConfig): Promise<readonly string[]> {
  const paths = new Map<string, string>();
  for (const folder of [config.stateDir, ...config.serviceStateDirs]) {
    const path = join(folder, fileName(config));
    if (!(await mayBeThere(path))) continue;
    // One file may have two names.
    const real = await realpath(path).catch(() => path);
    if (!paths.has(real)) paths.set(real, path);
  }
  return paths.size === 0 ? [statePath(config)] : [...paths.values()];
}

async function mayBeThere(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    return code !== 'ENOENT' && code !== 'ENOTDIR';
  }
}
