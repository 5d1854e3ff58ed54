/**
 * Which inner source addresses may come out of the tunnel: those that are routed into it, as the kernel plane's rule
 * has it. In each routing table the longest prefix decides; an address that one of them leads to the tunnel is let
 * through, unless the local table has it. Where nothing is known nothing is let through.
 */
import { RT_TABLE_LOCAL, RTN_UNICAST } from '../../netlink/route/constants.js';
import type { Route } from '../../netlink/route/route.js';

/** Addresses as numbers, both ends within. */
export interface SourceRange {
  readonly first: number;
  readonly last: number;
}

/** Never a source of one host: "this network" (RFC 791), loopback, multicast and what is beyond (RFC 1112). */
const NEVER: readonly SourceRange[] = [
  { first: 0x00000000, last: 0x00ffffff },
  { first: 0x7f000000, last: 0x7fffffff },
  { first: 0xe0000000, last: 0xffffffff },
];

export type RouteFacts = Pick<Route, 'destination' | 'prefixLength' | 'type' | 'table' | 'outInterface'>;

export function allowedSources(routes: readonly RouteFacts[], device: number): SourceRange[] {
  const tables = new Map<number, RouteFacts[]>();
  for (const route of routes) {
    const table = tables.get(route.table);
    if (table === undefined) tables.set(route.table, [route]);
    else table.push(route);
  }
  const local = (tables.get(RT_TABLE_LOCAL) ?? []).map(rangeOf);
  tables.delete(RT_TABLE_LOCAL);
  const led = [...tables.values()].flatMap((table) => (table.some(leadsTo(device)) ? ledRanges(table, device) : []));
  return subtract(union(led), union([...local, ...NEVER]));
}

/** Whether a change of the route may change what `allowedSources` says. */
export function mayMatter(route: RouteFacts, device: number, led: readonly SourceRange[]): boolean {
  if (leadsTo(device)(route)) return true;
  return overlapsAny(rangeOf(route), led);
}

/** `ranges` are ascending and apart: the first that ends behind the beginning decides. */
function overlapsAny({ first, last }: SourceRange, ranges: readonly SourceRange[]): boolean {
  let [low, high] = [0, ranges.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((ranges[middle]?.last ?? Infinity) < first) low = middle + 1;
    else high = middle;
  }
  const range = ranges[low];
  return range !== undefined && range.first <= last;
}

/** Whether one of the ranges, ascending and apart, has the address. */
export const holdsAddress = (ranges: readonly SourceRange[], address: number): boolean =>
  overlapsAny({ first: address, last: address }, ranges);

/** What the routes into the tunnel cover, whatever longer prefixes say. */
export const coveredBy = (routes: readonly RouteFacts[], device: number): SourceRange[] =>
  union(routes.filter(leadsTo(device)).map(rangeOf));

const leadsTo =
  (device: number) =>
  ({ type, outInterface }: RouteFacts): boolean =>
    type === RTN_UNICAST && outInterface === device;

export function rangeOf({ destination, prefixLength }: Pick<Route, 'destination' | 'prefixLength'>): SourceRange {
  const size = 2 ** (32 - prefixLength);
  const address = destination.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
  const first = Math.floor(address / size) * size;
  return { first, last: first + size - 1 };
}

/** Of one table, in one pass from the lowest address to the highest. Of equal prefixes the first is the better. */
function ledRanges(table: readonly RouteFacts[], device: number): SourceRange[] {
  const covering = coveredBy(table, device);
  const leads = leadsTo(device);
  const open: (SourceRange & { readonly leads: boolean })[] = [];
  const ranges: SourceRange[] = [];
  let next = 0;
  const advance = (last: number): void => {
    if (open.at(-1)?.leads === true && next <= last) ranges.push({ first: next, last });
    next = Math.max(next, last + 1);
  };
  const closeBefore = (address: number): void => {
    for (let top = open.at(-1); top !== undefined && top.last < address; top = open.at(-1)) {
      advance(top.last);
      open.pop();
    }
  };
  const sorted = table
    .filter((route) => mayMatter(route, device, covering))
    .map((route) => ({ ...rangeOf(route), leads: leads(route) }))
    // The sort is stable, so equal prefixes stay in their order.
    .sort((one, other) => one.first - other.first || other.last - one.last);
  for (const route of sorted) {
    closeBefore(route.first);
    const top = open.at(-1);
    if (top?.first === route.first && top.last === route.last) continue;
    advance(route.first - 1);
    open.push(route);
  }
  closeBefore(Infinity);
  return union(ranges);
}

function union(ranges: readonly SourceRange[]): SourceRange[] {
  const joined: SourceRange[] = [];
  for (const range of [...ranges].sort((one, other) => one.first - other.first)) {
    const before = joined.at(-1);
    if (before === undefined || range.first > before.last + 1) joined.push(range);
    else joined[joined.length - 1] = { first: before.first, last: Math.max(before.last, range.last) };
  }
  return joined;
}

/** Both ascending and apart; in one pass over both. */
function subtract(ranges: readonly SourceRange[], holes: readonly SourceRange[]): SourceRange[] {
  const left: SourceRange[] = [];
  let next = 0;
  for (const range of ranges) {
    let { first } = range;
    for (let hole = holes[next]; hole !== undefined && hole.first <= range.last; hole = holes[next]) {
      if (hole.first > first) left.push({ first, last: hole.first - 1 });
      first = Math.max(first, hole.last + 1);
      // One that reaches beyond this range may begin the next.
      if (hole.last > range.last) break;
      next += 1;
    }
    if (first <= range.last) left.push({ first, last: range.last });
  }
  return left;
}
