import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { afterRepair, QUIET_PACE, repairWaitMs, type PaceState } from '../../../src/dataplane/common/repair-pace.js';

/** Repairs as soon as allowed, so many times; gives the waits and the state behind them. */
function quarrel(times: number): { waits: number[]; state: PaceState; nowMs: number } {
  const waits: number[] = [];
  let state = QUIET_PACE;
  let nowMs = 1000;
  for (let index = 0; index < times; index++) {
    const wait = repairWaitMs(state, nowMs);
    waits.push(wait);
    nowMs += wait;
    state = afterRepair(state, nowMs);
  }
  return { waits, state, nowMs };
}

describe('the pace of repairs', () => {
  it('lets five through without waiting', () => {
    assert.deepEqual(quarrel(5).waits, [0, 0, 0, 0, 0]);
  });

  it('doubles the wait from there on, up to a minute', () => {
    assert.deepEqual(quarrel(14).waits.slice(5), [1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000, 60_000]);
  });

  it('counts the time since the last repair as waited', () => {
    const { state, nowMs } = quarrel(6);
    assert.equal(repairWaitMs(state, nowMs + 1500), 500);
    assert.equal(repairWaitMs(state, nowMs + 2500), 0);
  });

  it('forgets a quarrel after two quiet minutes', () => {
    const { state, nowMs } = quarrel(14);
    assert.equal(repairWaitMs(state, nowMs + 59_999), 1);
    assert.equal(repairWaitMs(afterRepair(state, nowMs + 120_000), nowMs + 120_000), 0);
  });
});
