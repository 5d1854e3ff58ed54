import { NetlinkError } from '../errors.js';
import type { Element } from './element.js';

/** The table grows or shrinks once in a while; hardly ever during two dumps in a row. */
const MAX_ATTEMPTS = 10;

/**
 * Dumps the elements of a set until none of them comes twice.
 *
 * The kernel makes a dump in pieces and remembers between them how many elements it has shown. When it resizes the set's
 * hash table meanwhile, which it does in the background after many were added, the order changes: some come twice and as
 * many do not come at all, and the kernel does not say so (seen on Linux 6.18: no NLM_F_DUMP_INTR).
 *
 * @throws NetlinkError NETLINK_DUMP_INTERRUPTED after ten dumps with repetitions
 */
export async function wholeDump(dump: () => Promise<Element[]>, object: string): Promise<Element[]> {
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    const elements = await dump();
    const keys = new Set(elements.map(identity));
    if (keys.size === elements.length) return elements;
  }
  throw new NetlinkError('NETLINK_DUMP_INTERRUPTED', `cannot list ${object}: the kernel keeps reordering them`);
}

/** An interval may begin with the key that another one ends before. */
const identity = ({ key, keyEnd, isIntervalEnd, isCatchAll }: Element): string =>
  [key.toString('hex'), keyEnd?.toString('hex'), isIntervalEnd, isCatchAll].join(' ');
