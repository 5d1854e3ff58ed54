// Outcomes of tests and stages: added up over stages, and read from the events of reporter.mjs.

/**
 * Each failure is a text of its own: what failed, and why in the lines below it.
 * @typedef {{ passed: number, failures: readonly string[], skipped: number }} Counts
 * @typedef {{ kind: 'begin' | 'pass' | 'fail' | 'pending' | 'end', title: string, error?: string }} TestEvent
 */

/** @returns {Counts} */
export const noCounts = () => ({ passed: 0, failures: [], skipped: 0 });

/** One that failed as a whole. @param {string} what @returns {Counts} */
export const failure = (what) => ({ ...noCounts(), failures: [what] });

/** @param {readonly Counts[]} all @returns {Counts} */
export const sum = (all) => ({
  passed: all.reduce((total, { passed }) => total + passed, 0),
  failures: all.flatMap(({ failures }) => failures),
  skipped: all.reduce((total, { skipped }) => total + skipped, 0),
});

/** Every failure once more, for the reader of the end of a long output. @param {Counts} counts */
export const recap = ({ failures }) =>
  failures
    .map((text, index) => `failed ${index + 1}/${failures.length}: ${text.replaceAll('\n', '\n    ')}\n`)
    .join('');

/** The line every test run ends with. @param {Counts} counts */
export const summary = ({ passed, failures, skipped }) =>
  `${passed} passed, ${failures.length} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`;

/** Follows the events of one mocha run. */
export class Tally {
  #passed = 0;
  #skipped = 0;
  /** @type {string[]} */
  #failures = [];
  #ended = false;
  /** The test that has begun and not ended, or the file of which none has. @type {string | undefined} */
  running;

  /** One more run begins, of that file, which has an end of its own. @param {string} file */
  expect(file) {
    this.#ended = false;
    this.running = file;
  }

  /** @param {string} line one JSON line of the reporter */
  see(line) {
    /** @type {TestEvent} */
    const { kind, title, error = 'no reason given' } = JSON.parse(line);
    this.running = kind === 'begin' ? title : undefined;
    if (kind === 'pass') this.#passed += 1;
    else if (kind === 'fail') this.#failures.push(`${title}\n${error}`);
    else if (kind === 'pending') this.#skipped += 1;
    else if (kind === 'end') this.#ended = true;
  }

  /**
   * The counts, where a run that broke off, or failed outside of any test, counts as one more failure.
   * @param {boolean} exitedWell
   * @returns {Counts}
   */
  finish(exitedWell) {
    const failures = [...this.#failures];
    if (!this.#ended) failures.push(`broke off${this.running === undefined ? '' : ` in: ${this.running}`}`);
    else if (!exitedWell && failures.length === 0) failures.push('ended badly, though no test failed');
    return { passed: this.#passed, failures, skipped: this.#skipped };
  }
}
