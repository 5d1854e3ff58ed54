#!/usr/bin/env node
// `npm test`: sets up what is missing, then every check there is. A failed stage does not keep the others from running.
// The last line of the output is the count over all: each test counts one, and so does each stage that isn't made of tests.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { runLabSuites } from '../test/lab/run.mjs';
import { stream, withSbin } from './lib/run.mjs';
import { noCounts, sum, summary, Tally } from './lib/tally.mjs';
import { root, setup } from './setup.mjs';

/** @typedef {import('./lib/tally.mjs').Counts} Counts */

/** @param {boolean} passed @returns {Counts} */
const one = (passed) => ({ ...noCounts(), [passed ? 'passed' : 'failed']: 1 });

/** Three minutes is usual for the longest of these stages; the lab has limits of its own. */
const LIMIT_MS = 15 * 60_000;

/** A stage that passes or fails as a whole. @param {string} command @param {string[]} args */
const whole = (command, args) => async () => one(await stream(command, args, { cwd: root, limitMs: LIMIT_MS }));

const bin = (/** @type {string} */ name) => join(root, 'node_modules', '.bin', name);

/** @type {readonly (readonly [string, () => Promise<Counts>])[]} */
const STAGES = [
  ['set-up', setUp],
  ['format', whole(bin('prettier'), ['--check', '.'])],
  ['lint', whole('npm', ['run', '--silent', 'lint'])],
  ['types', whole('npm', ['run', '--silent', 'typecheck'])],
  ['unit tests', unitTests],
  ['lab', () => runLabSuites()],
];

/** One count for each step: what can't be had here is a skip, what broke is a failure. */
async function setUp() {
  const outcomes = await setup();
  const results = { done: 'passed', failed: 'failed', unavailable: 'skipped' };
  return sum(outcomes.map(({ result }) => ({ ...noCounts(), [results[result]]: 1 })));
}

async function unitTests() {
  const folder = mkdtempSync(join(tmpdir(), 'ipipou-ts-test-'));
  const events = join(folder, 'events');
  const passed = await stream(
    'npm',
    ['run', '--silent', 'test:unit', '--', '--reporter', './scripts/lib/reporter.mjs'],
    {
      cwd: root,
      limitMs: LIMIT_MS,
      env: { ...withSbin(), TEST_EVENTS: events },
    },
  );
  const tally = new Tally();
  for (const line of readFileSync(events, { encoding: 'utf8', flag: 'a+' }).split('\n').filter(Boolean))
    tally.see(line);
  rmSync(folder, { recursive: true });
  return tally.finish(passed);
}

/** @param {() => Promise<Counts>} stage @returns {Promise<Counts>} */
async function guarded(stage) {
  try {
    return await stage();
  } catch (error) {
    console.error(error);
    return one(false);
  }
}

const all = [];
for (const [name, stage] of STAGES) {
  console.log(`\n== ${name}`);
  const started = performance.now();
  const counts = await guarded(stage);
  console.log(`== ${name}: ${summary(counts)} (${((performance.now() - started) / 1000).toFixed(1)} s)`);
  all.push(counts);
}
const total = sum(all);
process.exitCode = total.failed > 0 ? 1 : 0;
console.log(`\n${summary(total)}`);
