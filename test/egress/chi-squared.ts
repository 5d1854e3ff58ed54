import assert from 'node:assert/strict';

/**
 * The upper critical value of the chi-squared distribution, by Wilson and Hilferty's approximation (1931), which is right
 * to a percent for three and more degrees of freedom.
 */
export function chiSquaredLimit(degrees: number): number {
  // The normal distribution's quantile for p = 0.001.
  const quantile = 3.0902;
  const part = 2 / (9 * degrees);
  return degrees * (1 - part + quantile * Math.sqrt(part)) ** 3;
}

/**
 * Asserts that lists of drawn values, each from 0 to `bins - 1`, are not rejected as uniform at p = 0.001. One list in a
 * thousand is, however sound its draw: then all are drawn once more, and decide. What is biased is rejected every time.
 */
export async function assertUniform(bins: number, draw: () => Promise<readonly (readonly number[])[]>): Promise<void> {
  const rejected = async (): Promise<number[]> => {
    const distances = (await draw()).map((values) => chiSquared(countBins(values, bins)));
    return distances.filter((distance) => distance >= chiSquaredLimit(bins - 1));
  };
  if ((await rejected()).length > 0) assert.deepEqual(await rejected(), []);
}

/** How far counts are from all being equal. */
export function chiSquared(counts: readonly number[]): number {
  const expected = counts.reduce((sum, count) => sum + count, 0) / counts.length;
  return counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
}

/** Counts of values from 0 to `bins - 1`. */
export function countBins(values: Iterable<number>, bins: number): number[] {
  const counts = Array<number>(bins).fill(0);
  for (const value of values) counts[value] = (counts[value] ?? 0) + 1;
  return counts;
}
