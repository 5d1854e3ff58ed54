// Counts of passed, failed and skipped: added up over stages, and read from the events of reporter.mjs.

/**
 * @typedef {{ passed: number, failed: number, skipped: number }} Counts
 * @typedef {{ kind: 'begin' | 'pass' | 'fail' | 'pending' | 'end', title: string }} TestEvent
 */

/** @returns {Counts} */
export const noCounts = () => ({ passed: 0, failed: 0, skipped: 0 });

/** @param {readonly Counts[]} all @returns {Counts} */
export function sum(all) {
  const total = noCounts();
  for (const { passed, failed, skipped } of all) {
    total.passed += passed;
    total.failed += failed;
    total.skipped += skipped;
  }
  return total;
}

/** The line every test run ends with. @param {Counts} counts */
export const summary = ({ passed, failed, skipped }) =>
  `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`;

/** Follows the events of one mocha run. */
export class Tally {
  counts = noCounts();
  /** The test that has begun and not ended. @type {string | undefined} */
  running;
  ended = false;

  /** @param {string} line one JSON line of the reporter */
  see(line) {
    /** @type {TestEvent} */
    const { kind, title } = JSON.parse(line);
    this.running = kind === 'begin' ? title : undefined;
    if (kind === 'pass') this.counts.passed += 1;
    else if (kind === 'fail') this.counts.failed += 1;
    else if (kind === 'pending') this.counts.skipped += 1;
    else if (kind === 'end') this.ended = true;
  }

  /**
   * The counts, where a run that broke off, or failed outside of any test, counts as one more failure.
   * @param {boolean} exitedWell
   * @returns {Counts}
   */
  finish(exitedWell) {
    const complete = this.ended && (exitedWell || this.counts.failed > 0);
    return complete ? this.counts : { ...this.counts, failed: this.counts.failed + 1 };
  }
}
