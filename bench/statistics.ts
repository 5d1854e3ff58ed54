import type { Row } from './report.js';

/** NaN for an empty list. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((one, other) => one - other);
  const middle = Math.floor(sorted.length / 2);
  const [low, high] = [sorted[middle - 1], sorted[middle]];
  if (high === undefined) return NaN;
  return sorted.length % 2 === 1 || low === undefined ? high : (low + high) / 2;
}

/** Measures each in turn, so many times over: what disturbs the machine for a while disturbs all of them. */
export async function inTurns<Name extends string>(
  names: readonly Name[],
  turns: number,
  measure: (name: Name, turn: number) => Promise<readonly number[]>,
): Promise<Map<Name, number[]>> {
  const values = new Map<Name, number[]>(names.map((name) => [name, []]));
  for (let turn = 0; turn < turns; turn++) {
    // Every other turn backwards, so that nobody always comes after the same one.
    const order = turn % 2 === 0 ? names : [...names].reverse();
    for (const name of order) values.get(name)?.push(...(await measure(name, turn)));
    // The lab takes a machine that says nothing for minutes for a dead one.
    console.log(`  turn ${turn + 1} of ${turns}`);
  }
  return values;
}

/**
 * One row for each; `against` says which other one a row is compared with. Their ratio is the median of those of each turn:
 * what was measured one after the other had the same machine, which over all turns is seldom so.
 */
export function rows<Name extends string>(
  measured: ReadonlyMap<Name, readonly number[]>,
  against: Partial<Record<Name, Name>> = {},
): Row[] {
  return [...measured].map(([name, values]) => {
    const other = against[name];
    const others = other === undefined ? undefined : measured.get(other);
    const versus =
      other === undefined || others === undefined
        ? {}
        : { versus: { to: other, ratio: median(values.map((value, turn) => value / (others[turn] ?? NaN))) } };
    return { name, median: median(values), values, ...versus };
  });
}
