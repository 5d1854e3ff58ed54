/** Sets of addresses as ranges, so that a /8 and a single address cost the same. */

/** Both ends included. */
export interface Interval {
  readonly first: bigint;
  readonly last: bigint;
}

/** In ascending order, with gaps between them. */
export type Intervals = readonly Interval[];

/** How many addresses there are. */
export const sizeOf = (intervals: Intervals): bigint =>
  intervals.reduce((sum, { first, last }) => sum + last - first + 1n, 0n);

export const contains = (intervals: Intervals, value: bigint): boolean => {
  const found = intervals[firstEndingAtOrAfter(intervals, value)];
  return found !== undefined && found.first <= value;
};

/** Each address once, whatever overlaps. */
export function union(ranges: readonly Interval[]): Intervals {
  const sorted = ranges.toSorted((a, b) => (a.first < b.first ? -1 : a.first > b.first ? 1 : 0));
  const merged: Interval[] = [];
  for (const range of sorted) {
    const before = merged.at(-1);
    if (before === undefined || range.first > before.last + 1n) merged.push(range);
    else if (range.last > before.last) merged[merged.length - 1] = { first: before.first, last: range.last };
  }
  return merged;
}

/** What is in the one and not in the other. */
export function subtract(intervals: Intervals, without: Intervals): Intervals {
  const left: Interval[] = [];
  for (const { first, last } of intervals) {
    let next = first;
    for (let at = firstEndingAtOrAfter(without, first); at < without.length; at += 1) {
      const hole = without[at];
      if (hole === undefined || hole.first > last) break;
      if (hole.first > next) left.push({ first: next, last: hole.first - 1n });
      next = hole.last + 1n;
    }
    if (next <= last) left.push({ first: next, last });
  }
  return left;
}

/** What is in both. */
export const intersect = (a: Intervals, b: Intervals): Intervals => subtract(a, subtract(a, b));

/** The address with so many others of the set below it; undefined beyond the last. */
export function valueAt(intervals: Intervals, index: bigint): bigint | undefined {
  let rest = index;
  for (const { first, last } of intervals) {
    const size = last - first + 1n;
    if (rest < size) return first + rest;
    rest -= size;
  }
  return undefined;
}

/** Binary search: sets of thousands of exclusions are asked often. */
function firstEndingAtOrAfter(intervals: Intervals, value: bigint): number {
  let low = 0;
  let high = intervals.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((intervals[middle]?.last ?? value) < value) low = middle + 1;
    else high = middle;
  }
  return low;
}
