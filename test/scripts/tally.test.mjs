import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { failure, recap, sum, summary, Tally } from '../../scripts/lib/tally.mjs';

/** @param {readonly [string, string, string?][]} events */
function follow(events) {
  const tally = new Tally();
  for (const [kind, title, error] of events) tally.see(JSON.stringify({ kind, title, error }));
  return tally;
}

describe('the tally of a test run', () => {
  it('counts each outcome, and keeps what failed and why', () => {
    const tally = follow([
      ['begin', 'a'],
      ['pass', 'a'],
      ['begin', 'b'],
      ['fail', 'b', 'Error: no answer'],
      ['pending', 'c'],
      ['end', ''],
    ]);
    assert.deepEqual(tally.finish(false), { passed: 1, failures: ['b\nError: no answer'], skipped: 1 });
  });

  it('counts one that broke off in a later file, in a test or before any, whatever the exit code', () => {
    const tally = new Tally();
    tally.expect('one.js');
    for (const kind of ['begin', 'pass', 'end']) tally.see(JSON.stringify({ kind, title: 'a' }));
    tally.expect('two.js');
    assert.deepEqual(tally.finish(true), { passed: 1, failures: ['broke off in: two.js'], skipped: 0 });
    tally.see(JSON.stringify({ kind: 'begin', title: 'b' }));
    assert.deepEqual(tally.finish(true), { passed: 1, failures: ['broke off in: b'], skipped: 0 });
  });

  it('counts a run that broke off as one more failure, and says where', () => {
    const tally = follow([
      ['begin', 'a'],
      ['pass', 'a'],
      ['begin', 'b'],
    ]);
    assert.equal(tally.running, 'b');
    assert.deepEqual(tally.finish(false), { passed: 1, failures: ['broke off in: b'], skipped: 0 });
  });

  it('counts a run without a single event as a failure, even when it exited with 0', () => {
    assert.deepEqual(new Tally().finish(true), { passed: 0, failures: ['broke off'], skipped: 0 });
  });

  it('counts a bad exit after good tests as a failure', () => {
    const { failures } = follow([['end', '']]).finish(false);
    assert.deepEqual(failures, ['ended badly, though no test failed']);
  });

  it('is summed up in one line, which names skips only where there are some', () => {
    const one = { passed: 1, failures: [], skipped: 0 };
    assert.equal(summary(sum([one, one])), '2 passed, 0 failed');
    const rest = { passed: 0, failures: ['a', 'b'], skipped: 3 };
    assert.equal(summary(sum([one, rest])), '1 passed, 2 failed, 3 skipped');
  });

  it('repeats every failure with its reason', () => {
    const total = sum([failure('format'), failure('a test\nError: no answer')]);
    assert.equal(recap(total), 'failed 1/2: format\nfailed 2/2: a test\n    Error: no answer\n');
    assert.equal(recap(sum([])), '');
  });
});
