/** The addresses that a policy draws from: any number of them, none ever listed one by one. */
import { FAMILIES, type AddressFamily, type IpAddress } from './address.js';
import { formatRange, parsePrefix, type AddressRange } from './address-range.js';
import { contains, intersect, sizeOf, subtract, union, type Interval, type Intervals } from './interval.js';
import { accept, refuse, type Parsed } from './parsed.js';

export type Pool = Readonly<Record<AddressFamily, Intervals>>;

export interface PoolRequest {
  readonly addresses: readonly AddressRange[];
  readonly exclude?: readonly AddressRange[];
  /** Also the first and the last address of IPv4 prefixes shorter than /31, which are no host's (RFC 1122, RFC 3021). */
  readonly edges?: boolean;
}

/** A pool, and what was left out of it that somebody may miss. */
export interface MadePool {
  readonly pool: Pool;
  readonly leftOut: readonly string[];
}

/** Of no host: the host itself, loopback, groups, the broadcast (RFC 6890, RFC 4291). A packet from one goes nowhere. */
const NO_SOURCE = ['0.0.0.0/8', '127.0.0.0/8', '224.0.0.0/4', '255.255.255.255', '::/128', '::1/128', 'ff00::/8'];

/** The first and last IPv4 address of a prefix that has both for itself. */
const EDGE_PREFIX_MAX = 30;

/** Refuses a pool that nothing is left of. */
export function makePool(request: PoolRequest): Parsed<MadePool> {
  const { addresses, exclude = [], edges = false } = request;
  const leftOut: string[] = [];
  const made = forEachFamily((family) => {
    const asked = union(addresses.filter((range) => range.family === family));
    const noSource = NO_SOURCE_RANGES.filter((range) => range.family === family);
    const overlap = noSource.filter((range) => intersect(asked, [range]).length > 0);
    leftOut.push(...overlap.map((range) => `${formatRange(range)} (no host's address)`));
    const unusable = [...noSource, ...exclude.filter((range) => range.family === family)];
    const without = edges ? unusable : [...unusable, ...addresses.flatMap((range) => edgesOf(range, family))];
    return subtract(asked, union(without));
  });
  if (poolSize(made) > 0n) return accept({ pool: made, leftOut });
  return refuse(addresses.length === 0 ? 'has no address' : 'has no address left: all of them are excluded');
}

/** What is in any of them. */
export const poolOf = (pools: readonly Pool[]): Pool =>
  forEachFamily((family) => union(pools.flatMap((pool) => pool[family])));

/** The same pool without these addresses; may be empty. */
export const poolWithout = (pool: Pool, addresses: readonly IpAddress[]): Pool =>
  forEachFamily((family) => {
    const holes = addresses.filter((one) => one.family === family).map(({ value }) => ({ first: value, last: value }));
    return holes.length === 0 ? pool[family] : subtract(pool[family], union(holes));
  });

export const poolHas = (pool: Pool, { family, value }: IpAddress): boolean => contains(pool[family], value);

/** How many addresses, of both families. */
export const poolSize = (pool: Pool): bigint => sizeOf(pool.ip) + sizeOf(pool.ip6);

export const poolFamilies = (pool: Pool): readonly AddressFamily[] =>
  FAMILIES.filter((family) => pool[family].length > 0);

/** `198.51.100.1-198.51.100.254, 2001:db8::/64` */
export const formatPool = (pool: Pool): string =>
  FAMILIES.flatMap((family) => pool[family].map((interval) => formatRange({ family, ...interval }))).join(', ');

/** The family of IPv4 alone has broadcasts. */
function edgesOf(range: AddressRange, family: AddressFamily): Interval[] {
  const { first, last, prefixLength } = range;
  if (range.family !== family || family !== 'ip' || prefixLength === undefined) return [];
  if (prefixLength > EDGE_PREFIX_MAX) return [];
  return [
    { first, last: first },
    { first: last, last },
  ];
}

function forEachFamily(make: (family: AddressFamily) => Intervals): Pool {
  return { ip: make('ip'), ip6: make('ip6') };
}

const NO_SOURCE_RANGES: readonly AddressRange[] = NO_SOURCE.map((text) => {
  const parsed = parsePrefix(text);
  if (!parsed.ok) throw new TypeError(`${text} ${parsed.problem}`);
  return parsed.value;
});
