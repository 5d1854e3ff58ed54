import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { HeldBack } from '../../src/daemon/held-back.js';
import { createLogger } from '../../src/log/index.js';

describe('what the log holds back', () => {
  /** A log and its accounts, both by a clock of the test's. */
  function start() {
    const lines: string[] = [];
    let nowMs = 0;
    let due: { atMs: number; callback: () => void } | undefined;
    const log = createLogger(
      { verbosity: 3, showTime: false, showPid: false },
      { write: (line) => lines.push(line), now: () => new Date(0), monotonicMs: () => nowMs, pid: 1 },
    );
    new HeldBack(log, (callback, ms) => {
      due = { atMs: nowMs + ms, callback };
      return { cancel: () => (due = undefined) };
    });
    return {
      lines,
      timers: () => (due === undefined ? 0 : 1),
      refuse: () => {
        log.limited('token', 'INFO', () => 'wrong token');
      },
      advance: (ms: number) => {
        for (const endMs = nowMs + ms; nowMs < endMs; nowMs += 1) {
          if (due === undefined || due.atMs > nowMs) continue;
          const { callback } = due;
          due = undefined;
          callback();
        }
      },
    };
  }

  it('is said when the second is over, also where the account was due in the middle of it', () => {
    const { lines, refuse, advance } = start();
    const line = ' INFO wrong token\n';
    refuse();
    refuse();
    advance(1150);
    assert.deepEqual(lines, [line, line]);
    // Nothing was held back when the account was given, and something is in the second that it opened.
    refuse();
    advance(900);
    assert.deepEqual(lines, [line, line], 'the second is not over');
    advance(1500);
    assert.deepEqual(lines, [line, line, line]);
  });

  it('keeps no timer running when all is said', () => {
    const { lines, refuse, advance, timers } = start();
    refuse();
    refuse();
    assert.equal(timers(), 1);
    advance(5000);
    assert.equal(lines.length, 2);
    assert.equal(timers(), 0);
  });
});
