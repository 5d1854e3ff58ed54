import assert from 'node:assert/strict';
import { AuthBudget } from '../../../src/dataplane/userspace/auth-budget.js';
import { BOUND_BUDGET, SOURCE_BUDGET, TOTAL_BUDGET } from '../../../src/dataplane/common/auth-budgets.js';

/** How many of so many packets, spread evenly over the time, are let through. */
function passed(
  budget: AuthBudget,
  packets: number,
  ms: number,
  source: (index: number) => number,
  isBound = false,
): number {
  let count = 0;
  for (let index = 0; index < packets; index += 1) {
    if (budget.spend(source(index), isBound, (index * ms) / packets)) count += 1;
  }
  return count;
}

describe('budget of auth packets', () => {
  it('lets the bound endpoint have its own, which a flood of others does not spend', () => {
    const budget = new AuthBudget(0);
    passed(budget, 100_000, 0, (index) => index);
    assert.equal(
      passed(budget, 1000, 0, () => 1, true),
      BOUND_BUDGET.burst,
    );
    assert.equal(budget.spend(1, true, 5), true);
  });

  it('holds one source to its rate, and all to theirs', () => {
    const seconds = 10;
    const one = passed(new AuthBudget(0), 20_000 * seconds, seconds * 1000, () => 1);
    assert.ok(one <= SOURCE_BUDGET.burst + SOURCE_BUDGET.packets * seconds, String(one));
    assert.ok(one >= SOURCE_BUDGET.packets * seconds, String(one));
    const many = passed(new AuthBudget(0), 20_000 * seconds, seconds * 1000, (index) => index);
    assert.ok(many <= TOTAL_BUDGET.burst + TOTAL_BUDGET.packets * seconds, String(many));
    assert.ok(many >= TOTAL_BUDGET.packets * seconds * 0.99, String(many));
  });

  it('begins anew with another endpoint', () => {
    const budget = new AuthBudget(0);
    passed(budget, 1000, 0, () => 1, true);
    assert.equal(budget.spend(1, true, 0), false);
    budget.renewBound(0);
    assert.equal(budget.spend(1, true, 0), true);
  });

  it('goes on with more sources than it can tell apart', () => {
    const budget = new AuthBudget(0);
    for (let source = 0; source < 100_000; source += 1) budget.spend(source, false, 0);
    assert.equal(budget.spend(100_001, false, 1000), true);
    assert.equal(budget.spend(100_002, false, 20_000), true);
  });
});
