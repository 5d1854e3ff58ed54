/** Whether a set or map has a key of which some bytes may not be known. */
import { NFT_SET_INTERVAL, type Data, type Element } from '../../netlink/nftables/index.js';
import { equals, type Answer } from './compare.js';
import type { SetFacts } from './facts.js';
import { knownBytes, type MaybeByte } from './packet.js';

export interface LookedUp {
  readonly found: Answer;
  /** What a map gives for it; several where it isn't known which. */
  readonly values: readonly Data[];
}

/** `undefined` for `facts`: a set that isn't listed. */
export function lookUp(facts: SetFacts | undefined, key: readonly MaybeByte[]): LookedUp {
  if (facts?.elements === undefined) return { found: 'maybe', values: [] };
  const { set, elements } = facts;
  const rest = elements.filter(({ isCatchAll }) => isCatchAll === true);
  const listed = elements.filter(({ isCatchAll }) => isCatchAll !== true);
  const looked = (set.flags & NFT_SET_INTERVAL) === 0 ? amongKeys(listed, key) : amongIntervals(listed, key);
  // The element for everything else takes over where none of the others surely has the key.
  if (looked.found === 'yes' || rest.length === 0) return looked;
  return { found: 'yes', values: [...looked.values, ...valuesOf(rest)] };
}

function amongKeys(elements: readonly Element[], key: readonly MaybeByte[]): LookedUp {
  const possible = elements.filter((element) => equals(key, element.key) !== 'no');
  const sure = possible.find((element) => equals(key, element.key) === 'yes');
  if (sure !== undefined) return { found: 'yes', values: valuesOf([sure]) };
  return { found: possible.length === 0 ? 'no' : 'maybe', values: valuesOf(possible) };
}

/** Of the ends at or below the key the highest decides: inside, if an interval begins there. */
function amongIntervals(elements: readonly Element[], key: readonly MaybeByte[]): LookedUp {
  const value = knownBytes(key);
  const begins = elements.filter(({ isIntervalEnd }) => isIntervalEnd !== true);
  if (begins.length === 0) return { found: 'no', values: [] };
  // Fields of a concatenation have ranges of their own, which an order of whole keys says nothing about.
  if (value === undefined || elements.some(({ keyEnd }) => keyEnd !== undefined)) {
    return { found: 'maybe', values: valuesOf(begins) };
  }
  let last: Element | undefined;
  for (const element of elements) {
    if (element.key.length !== value.length || Buffer.compare(element.key, value) > 0) continue;
    const order = last === undefined ? 1 : Buffer.compare(element.key, last.key);
    // One interval may end where the next one begins.
    if (order > 0 || (order === 0 && element.isIntervalEnd !== true)) last = element;
  }
  return last === undefined || last.isIntervalEnd === true
    ? { found: 'no', values: [] }
    : { found: 'yes', values: valuesOf([last]) };
}

const valuesOf = (elements: readonly Element[]): Data[] =>
  elements.flatMap(({ data }) => (data === undefined ? [] : [data]));
