// How the kernel suite is cut into boots: each of the longest files has one of its own, and those come first, so that what
// is left at the end is short and no machine waits long for the other.

/** By the time they take on an emulated processor: three minutes to one. */
const LONG = ['cycles', 'hostile-auth', 'nibbles', 'takeover', 'ipv6', 'contract', 'idle'];
/** What the other files are dealt out to. */
const REST = 5;

export const KERNEL_SHARES = LONG.length + REST;

/**
 * The files of a share.
 * @param {readonly string[]} files of the suite, by their names
 * @param {string} share `PART/PARTS`: 1/1 for all, or one of KERNEL_SHARES
 */
export function filesOf(files, share) {
  const [part = 1, parts = 1] = share.split('/').map(Number);
  const sorted = files.toSorted();
  if (parts === 1) return sorted;
  const isLong = (/** @type {string} */ name) => LONG.some((long) => name === `${long}.test.js`);
  if (part <= LONG.length) return sorted.filter((name) => name === `${LONG[part - 1]}.test.js`);
  return sorted.filter((name) => !isLong(name)).filter((_, index) => index % REST === part - LONG.length - 1);
}
