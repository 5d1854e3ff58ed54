/** Folders, with those above them. */
import { mkdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';

/**
 * Makes a folder, and those above it that are missing; whether it was missing. Rejects with what the file system says.
 *
 * Node's own `recursive` never ends where a file system knows no folder below one that is there (/proc answers ENOENT).
 */
export async function makeFolder(path: string, mode: number): Promise<boolean> {
  const code = await made(path, mode);
  if (code === undefined) return true;
  if (code === 'EEXIST') return false;
  await makeFolder(dirname(path), mode);
  await mkdir(path, { mode });
  return true;
}

/** Why not, where that leads on: it is there, or the folder above it is not. */
async function made(path: string, mode: number): Promise<'EEXIST' | 'ENOENT' | undefined> {
  try {
    await mkdir(path, { mode });
    return undefined;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST' && (await stat(path)).isDirectory()) return code;
    if (code === 'ENOENT' && dirname(path) !== path && !(await isThere(dirname(path)))) return code;
    throw error;
  }
}

async function isThere(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch {
    return false;
  }
}
