// Which compiled files a suite has, and in which order they are run. The kernel suite's are handed out one by one to as
// many machines as run at a time: those that take longest come first, so that none waits long for the others at the end.
import { readdirSync } from 'node:fs';
import { sep } from 'node:path';

/** The line that the guest writes among its results when it wants another file. */
export const NEXT_FILE = 'next';

/** By the time they take on an emulated processor: three minutes to one. */
export const LONG = ['hostile-auth', 'cycles', 'repair', 'options', 'takeover', 'ipv6', 'contract', 'nibbles', 'idle'];

/** @param {string} name a path below the folder of compiled tests */
const suiteOf = (name) => (name.includes(sep) ? name.split(sep)[0] : 'kernel');

/** @param {string} folder of compiled tests @param {string} suite @returns {string[]} paths in it */
export function filesOf(folder, suite) {
  const all = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  return inOrder(all.filter((name) => name.endsWith('.test.js') && suiteOf(name) === suite));
}

/** @param {readonly string[]} files @returns {string[]} */
function inOrder(files) {
  const rank = (/** @type {string} */ file) => {
    const found = LONG.findIndex((name) => file === `${name}.test.js`);
    return found === -1 ? LONG.length : found;
  };
  return files.toSorted().sort((one, other) => rank(one) - rank(other));
}
