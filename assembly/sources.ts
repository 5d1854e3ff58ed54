/** Which inner source addresses may come out of the tunnel: ranges, ascending and apart. */
import { MAX_RANGES, RANGES } from './layout';

let ranges: i32 = 0;
/** The range that held last time: mostly it holds again. */
let last: i32 = 0;

export function setRanges(number: i32): void {
  ranges = min(number, MAX_RANGES);
  last = 0;
}

/** `source` in host order. */
export function isAllowed(source: u32): bool {
  if (last < ranges && holds(last, source)) return true;
  let low: i32 = 0;
  let high: i32 = ranges;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (load<u32>(RANGES + middle * 8, 4) < source) low = middle + 1;
    else high = middle;
  }
  if (low >= ranges || !holds(low, source)) return false;
  last = low;
  return true;
}

function holds(range: i32, source: u32): bool {
  const at = RANGES + range * 8;
  return source >= load<u32>(at) && source <= load<u32>(at, 4);
}
