#!/usr/bin/env node
// `npm test`: sets up what is missing, then every check there is. A failed stage does not keep the others from running.
// The last line of the output is the count over all: each test counts one, and so does each stage that isn't made of tests.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { runLabSuites } from '../test/lab/run.mjs';
import { OneByOne } from './lib/one-by-one.mjs';
import { stream, withSbin } from './lib/run.mjs';
import { failure, noCounts, recap, sum, summary, Tally } from './lib/tally.mjs';
import { root, setup } from './setup.mjs';

/** @typedef {import('./lib/tally.mjs').Counts} Counts */

/** Three minutes is usual for the longest of these stages; the lab has limits of its own. */
const LIMIT_MS = 15 * 60_000;

/** @typedef {(chunk: Buffer | string) => void} Write */
/** @typedef {{ name: string, run: (write: Write) => Promise<Counts> }} Stage */

/** A stage that passes or fails as a whole. @param {string} name @param {string} command @param {string[]} args @returns {Stage} */
const whole = (name, command, args) => ({
  name,
  run: async (onOutput) => {
    const passed = await stream(command, args, { cwd: root, limitMs: LIMIT_MS, onOutput });
    return passed ? { ...noCounts(), passed: 1 } : failure(name);
  },
});

const bin = (/** @type {string} */ name) => join(root, 'node_modules', '.bin', name);

/** Files whose tests wait for a kernel and for daemons most of the time: three lanes of them share two processors well. */
const [EGRESS, DATA_PLANES] = [['test/egress/**/*.test.ts'], ['test/dataplane/**/*.test.ts']];
const WHOLE_TUNNELS = ['contract', 'contract-ipv6', 'promises'].map(
  (name) => `test/dataplane/userspace/${name}.test.ts`,
);
const DAEMONS = ['daemon', 'doctor'].map((room) => `test/${room}/**/*.test.ts`);
const without = (/** @type {readonly string[]} */ patterns) => patterns.flatMap((pattern) => ['--ignore', pattern]);

/**
 * One row after the other; in a row the lanes go side by side, the stages of a lane one after the other. The lanes of
 * a row take about as long as each other. The demo's own test looks for whatever may be left on the host, so that
 * nothing beside it may make namespaces.
 * @type {readonly (readonly (readonly Stage[])[])[]}
 */
const ROWS = [
  [[{ name: 'set-up', run: setUp }]],
  [
    [
      whole('format', bin('prettier'), ['--check', '.']),
      whole('lint', 'npm', ['run', '--silent', 'lint']),
      whole('types', 'npm', ['run', '--silent', 'typecheck']),
    ],
    [
      unitTests('unit tests', [
        ...without(['test/lab/**', ...EGRESS, ...DATA_PLANES, ...DAEMONS]),
        'test/**/*.test.ts',
        'test/scripts/*.test.mjs',
      ]),
    ],
  ],
  [
    [unitTests('unit tests of egress', EGRESS)],
    [unitTests('unit tests of daemons', [...DAEMONS, ...WHOLE_TUNNELS])],
    [unitTests('unit tests of the data planes', [...without(WHOLE_TUNNELS), ...DATA_PLANES])],
    // It takes what the others leave over.
    [labSuite('systemd', 10)],
  ],
  [[labSuite('kernel', 0)]],
];

/** One count for each step: what can't be had here is a skip, what broke is a failure. */
async function setUp() {
  const outcomes = await setup();
  return sum(
    outcomes.map(({ step, result, detail }) => {
      if (result === 'failed') return failure(`set-up, ${step}: ${detail}`);
      return { ...noCounts(), [result === 'done' ? 'passed' : 'skipped']: 1 };
    }),
  );
}

/** Each test counts one. @param {string} name @param {string[]} files as mocha takes them @returns {Stage} */
function unitTests(name, files) {
  const run = async (/** @type {Write} */ onOutput) => {
    const folder = mkdtempSync(join(tmpdir(), 'ipipou-ts-test-'));
    const events = join(folder, 'events');
    const args = ['--reporter', './scripts/lib/reporter.mjs', ...files];
    const env = { ...withSbin(), TEST_EVENTS: events };
    const passed = await stream(bin('mocha'), args, { cwd: root, limitMs: LIMIT_MS, env, onOutput });
    const tally = new Tally();
    for (const line of readFileSync(events, { encoding: 'utf8', flag: 'a+' }).split('\n').filter(Boolean))
      tally.see(line);
    rmSync(folder, { recursive: true });
    return tally.finish(passed);
  };
  return { name, run };
}

/** @param {'kernel' | 'systemd'} suite @param {number} niceness @returns {Stage} */
function labSuite(suite, niceness) {
  return { name: `lab, ${suite}`, run: (write) => runLabSuites([suite], { niceness, write }) };
}

/** @param {Stage} stage @param {Write} write @returns {Promise<Counts>} */
async function guarded({ name, run }, write) {
  try {
    return await run(write);
  } catch (error) {
    const why = error instanceof Error ? (error.stack ?? error.message) : String(error);
    write(`${why}\n`);
    return failure(`${name}\n${why}`);
  }
}

/** @type {Counts[]} */
const all = [];
const output = new OneByOne((chunk) => process.stdout.write(chunk));

/** @param {readonly Stage[]} stages */
async function runLane(stages) {
  const speaker = output.begin();
  for (const stage of stages) {
    speaker.write(`\n== ${stage.name}\n`);
    const started = performance.now();
    const counts = await guarded(stage, speaker.write);
    speaker.write(`== ${stage.name}: ${summary(counts)} (${((performance.now() - started) / 1000).toFixed(1)} s)\n`);
    all.push(counts);
  }
  speaker.close();
}

for (const lanes of ROWS) await Promise.all(lanes.map(runLane));
const total = sum(all);
console.log(`\n${recap(total)}${summary(total)}`);
// What a stage left open must not keep us.
process.exit(total.failures.length > 0 ? 1 : 0);
