import type { ElementSpec } from '../../netlink/nftables/element.js';
import { addressBytes, lastAddress, type AddressFamily } from '../address.js';
import type { Interval } from '../interval.js';

/** As a set or map with intervals takes them. What lies behind the last address of all needs no end. */
export function intervalElements(
  family: AddressFamily,
  { first, last }: Interval,
  value: Pick<ElementSpec, 'data'> = {},
): ElementSpec[] {
  const start = { key: addressBytes({ family, value: first }), ...value };
  if (last === lastAddress(family)) return [start];
  return [start, { key: addressBytes({ family, value: last + 1n }), isIntervalEnd: true }];
}
