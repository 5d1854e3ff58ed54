import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { sum, summary, Tally } from '../../scripts/lib/tally.mjs';

/** @param {readonly [string, string][]} events */
function follow(events) {
  const tally = new Tally();
  for (const [kind, title] of events) tally.see(JSON.stringify({ kind, title }));
  return tally;
}

describe('the tally of a test run', () => {
  it('counts each outcome', () => {
    const tally = follow([
      ['begin', 'a'],
      ['pass', 'a'],
      ['begin', 'b'],
      ['fail', 'b'],
      ['pending', 'c'],
      ['end', ''],
    ]);
    assert.deepEqual(tally.finish(false), { passed: 1, failed: 1, skipped: 1 });
  });

  it('counts a run that broke off as one more failure, and knows where', () => {
    const tally = follow([
      ['begin', 'a'],
      ['pass', 'a'],
      ['begin', 'b'],
    ]);
    assert.equal(tally.running, 'b');
    assert.deepEqual(tally.finish(false), { passed: 1, failed: 1, skipped: 0 });
  });

  it('counts a run without a single event as a failure, even when it exited with 0', () => {
    assert.deepEqual(new Tally().finish(true), { passed: 0, failed: 1, skipped: 0 });
  });

  it('counts a bad exit after good tests as a failure', () => {
    assert.deepEqual(follow([['end', '']]).finish(false), { passed: 0, failed: 1, skipped: 0 });
  });

  it('is summed up in one line, which names skips only where there are some', () => {
    const one = { passed: 1, failed: 0, skipped: 0 };
    assert.equal(summary(sum([one, one])), '2 passed, 0 failed');
    assert.equal(summary(sum([one, { passed: 0, failed: 2, skipped: 3 }])), '1 passed, 2 failed, 3 skipped');
  });
});
