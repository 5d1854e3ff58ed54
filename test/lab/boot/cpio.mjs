// The archive format an initramfs is read from: cpio "newc" (Linux Documentation/driver-api/early-userspace/buffer-format.rst).

const S_IFREG = 0o100000;
const S_IFDIR = 0o040000;
const S_IFLNK = 0o120000;

/**
 * @typedef {{ path: string, kind: 'file', data: Uint8Array, mode?: number }
 *   | { path: string, kind: 'directory' }
 *   | { path: string, kind: 'link', target: string }} Entry
 */

/**
 * @param {readonly Entry[]} entries parents before what they hold
 * @returns {Buffer}
 */
export function cpio(entries) {
  const parts = entries.flatMap((entry, index) => member(entry, index + 1));
  return Buffer.concat([...parts, ...member({ path: 'TRAILER!!!', kind: 'file', data: Buffer.alloc(0), mode: 0 }, 0)]);
}

/** @param {Entry} entry @param {number} inode */
function member(entry, inode) {
  const [mode, data] = content(entry);
  const name = Buffer.from(`${entry.path}\0`);
  const fields = [inode, mode, 0, 0, 1, 0, data.length, 0, 0, 0, 0, name.length, 0];
  const header = Buffer.from(`070701${fields.map((field) => field.toString(16).padStart(8, '0')).join('')}`);
  return [header, name, padding(header.length + name.length), data, padding(data.length)];
}

/** @param {Entry} entry @returns {[number, Uint8Array]} */
function content(entry) {
  switch (entry.kind) {
    case 'file':
      return [S_IFREG | (entry.mode ?? 0o644), entry.data];
    case 'directory':
      return [S_IFDIR | 0o755, Buffer.alloc(0)];
    case 'link':
      return [S_IFLNK | 0o777, Buffer.from(entry.target)];
  }
}

/** @param {number} length */
const padding = (length) => Buffer.alloc(-length & 3);
