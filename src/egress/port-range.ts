import { accept, refuse, type Parsed } from './parsed.js';
import type { PortRange } from './policy.js';

export const PORT_RANGE_FORMS = 'PORT, LOW:HIGH or LOW-HIGH, from 0 to 65535 (LOW: and :HIGH are open ranges)';

const PORT_MAX = 65_535;

/** Total. */
export function parsePortRange(text: string): Parsed<PortRange> {
  const [, low, dash, high] = /^([0-9]{0,6})(?:([:-])([0-9]{0,6}))?$/.exec(text) ?? [];
  if (low === undefined || `${low}${high ?? ''}` === '') return refuse('is not a range of ports');
  const from = low === '' ? 0 : Number(low);
  const to = dash === undefined ? from : high === undefined || high === '' ? PORT_MAX : Number(high);
  if (from > PORT_MAX || to > PORT_MAX) return refuse('has a port above 65535');
  return from > to ? refuse('ends before it begins') : accept({ from, to });
}
