/** A small file that is there whole or not at all, also after a power cut. */
import { open, rename, rm, stat, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import { makeFolder } from '../sys/make-folder.js';
import { failure, success } from './errors.js';
import type { Outcome, StateFault } from './errors.js';

/** Far above what any guard file needs: 1,000 peers with a full second of salts each stay below it. */
export const MAX_STATE_BYTES = 16 * 1024 * 1024;

export async function readStateFile(path: string): Promise<Outcome<string, StateFault>> {
  try {
    const file = await open(path, 'r');
    try {
      const status = await file.stat();
      // What is no regular file does not tell how much there is to read.
      if (!status.isFile()) return failure({ kind: 'unreadable', cause: new Error('not a regular file') });
      if (status.size > MAX_STATE_BYTES) return failure({ kind: 'too-large', limitBytes: MAX_STATE_BYTES });
      return success(await file.readFile('utf8'));
    } finally {
      await file.close();
    }
  } catch (error) {
    const cause = error instanceof Error ? error : new Error(String(error));
    return failure('code' in cause && cause.code === 'ENOENT' ? { kind: 'missing' } : { kind: 'unreadable', cause });
  }
}

/**
 * Makes the folder (0755) and the file (0600) where they are missing. The new text goes to a neighbour that takes the
 * file's name when it is on the disk; then the name is put on the disk too. With `toDisk` false neither is waited for: the
 * kernel has it, and keeps it when this process is killed. Where root writes into somebody else's folder the file is
 * theirs, or they could not read it. Throws what the file system says.
 */
export async function writeStateFile(path: string, text: string, toDisk: boolean): Promise<void> {
  const folder = dirname(path);
  // Services keep theirs below it, with users of their own; what is in the file is for its owner alone.
  await makeFolder(folder, 0o755);
  const neighbour = `${path}.new`;
  try {
    await writeNew(neighbour, text, toDisk);
    await rename(neighbour, path);
  } catch (error) {
    await unlink(neighbour).catch(() => undefined);
    throw error;
  }
  if (!toDisk) return;
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Nothing is there afterwards. Throws what the file system says. */
export async function removeStateFile(path: string): Promise<void> {
  await rm(path, { force: true });
}

async function writeNew(path: string, text: string, toDisk: boolean): Promise<void> {
  // An earlier run's leftover goes, and the file is a new one: in somebody else's folder it could be a link to a third's.
  await rm(path, { force: true });
  const file = await open(path, 'wx', 0o600);
  try {
    const { uid, gid } = await stat(dirname(path));
    if (process.getuid?.() === 0 && uid !== 0) await file.chown(uid, gid);
    await file.writeFile(text);
    if (toDisk) await file.sync();
  } finally {
    await file.close();
  }
}
