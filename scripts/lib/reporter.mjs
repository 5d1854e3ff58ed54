// A mocha reporter: what `spec` prints, and beside it one JSON line for each event into the file TEST_EVENTS names, so
// that counts need not be read out of text, and a run that dies in the middle has told how far it got.
import { appendFileSync } from 'node:fs';
import Mocha from 'mocha';

const { EVENT_TEST_BEGIN, EVENT_TEST_PASS, EVENT_TEST_FAIL, EVENT_TEST_PENDING, EVENT_RUN_END } =
  Mocha.Runner.constants;

/** Characters of an error that an event tells: enough for the message and the first frames. */
const MAX_ERROR_LENGTH = 2_000;

class EventReporter extends Mocha.reporters.Spec {
  /** @param {Mocha.Runner} runner @param {Mocha.MochaOptions} options */
  constructor(runner, options) {
    super(runner, options);
    const file = process.env.TEST_EVENTS;
    if (file === undefined) return;
    const on = (/** @type {string} */ event, /** @type {import('./tally.mjs').TestEvent['kind']} */ kind) =>
      runner.on(event, (test, error) => {
        const why = kind === 'fail' ? { error: String(error?.stack ?? error).slice(0, MAX_ERROR_LENGTH) } : {};
        appendFileSync(file, `${JSON.stringify({ kind, title: test?.fullTitle() ?? '', ...why })}\n`);
      });
    on(EVENT_TEST_BEGIN, 'begin');
    on(EVENT_TEST_PASS, 'pass');
    on(EVENT_TEST_FAIL, 'fail');
    on(EVENT_TEST_PENDING, 'pending');
    on(EVENT_RUN_END, 'end');
  }
}

// mocha's command line loads reporters by require(), which takes this name of an ES module for what it exports.
export { EventReporter as default, EventReporter as 'module.exports' };
