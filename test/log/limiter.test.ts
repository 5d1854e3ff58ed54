import assert from 'node:assert/strict';
import fc from 'fast-check';
import {
  EMPTY_LIMITER,
  endWindows,
  heldBack,
  LIMIT_REASONS_MAX,
  LIMIT_WINDOW_MS,
  OVERFLOW_REASON,
  takeLine,
  type Line,
  type LimiterState,
} from '../../src/log/limiter.js';

const LINE: Line = { level: 'DEBUG', message: () => 'x' };

const total = (due: readonly { readonly count: number }[]): number => due.reduce((sum, { count }) => sum + count, 0);

describe('log limiter', () => {
  it('loses no line: each is written, counted with a later one, or still held back', () => {
    const event = fc.record({
      afterMs: fc.integer({ min: 0, max: 700 }),
      reason: fc.constantFrom('a', 'b', 'c'),
      flush: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(event, { maxLength: 200 }), (events) => {
        let state: LimiterState = EMPTY_LIMITER;
        let nowMs = 0;
        let [asked, written, reported] = [0, 0, 0];
        for (const { afterMs, reason, flush } of events) {
          nowMs += afterMs;
          if (flush) {
            const { state: next, due } = endWindows(state, nowMs);
            state = next;
            reported += total(due);
            continue;
          }
          asked += 1;
          const verdict = takeLine(state, reason, LINE, nowMs);
          state = verdict.state;
          if (verdict.kind === 'write') {
            written += 1;
            reported += verdict.heldBack;
          }
        }
        assert.equal(written + reported + total(heldBack(state)), asked);
      }),
    );
  });

  it('never lets two lines of a reason out within one window, accounts included', () => {
    const event = fc.record({ afterMs: fc.integer({ min: 0, max: 600 }), flush: fc.boolean() });
    fc.assert(
      fc.property(fc.array(event, { maxLength: 200 }), (events) => {
        let state: LimiterState = EMPTY_LIMITER;
        let [nowMs, lastMs] = [0, -Infinity];
        for (const { afterMs, flush } of events) {
          nowMs += afterMs;
          let lines: number;
          if (flush) {
            const ended = endWindows(state, nowMs);
            state = ended.state;
            lines = ended.due.length;
          } else {
            const verdict = takeLine(state, 'a', LINE, nowMs);
            state = verdict.state;
            lines = verdict.kind === 'write' ? 1 : 0;
          }
          if (lines === 0) continue;
          assert.equal(lines, 1);
          assert.ok(nowMs - lastMs >= LIMIT_WINDOW_MS);
          lastMs = nowMs;
        }
      }),
    );
  });

  it('keeps a bounded number of reasons, the rest of them under one name', () => {
    let state: LimiterState = EMPTY_LIMITER;
    for (let i = 0; i < 10 * LIMIT_REASONS_MAX; i += 1) state = takeLine(state, `reason ${i}`, LINE, 0).state;
    assert.equal(state.size, LIMIT_REASONS_MAX + 1);
    assert.ok(state.has(OVERFLOW_REASON));
    assert.deepEqual(heldBack(state), [{ last: LINE, count: 9 * LIMIT_REASONS_MAX - 1 }]);
  });

  it('forgets reasons that have nothing to say', () => {
    const { state } = takeLine(EMPTY_LIMITER, 'a', LINE, 0);
    assert.equal(endWindows(state, LIMIT_WINDOW_MS).state.size, 0);
  });
});
