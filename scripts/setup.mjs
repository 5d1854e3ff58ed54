#!/usr/bin/env node
// Makes a fresh checkout ready to build and to test: npm packages, Debian packages, dist/, the lab's kernel. It does only
// what is missing, so it may run before everything. It needs nothing but Node, since it is what installs the rest.
//
//   node scripts/setup.mjs [STEP...]          steps: npm packages build kernel (all without arguments)
//   LAB_KERNEL=6.12 node scripts/setup.mjs kernel
import { performance } from 'node:perf_hooks';
import { existsSync, realpathSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { wantedKernel } from '../test/lab/boot/kernel.mjs';
import { installPackages } from './lib/debian.mjs';
import { installedMatchesLockfile, isBuiltByThisNode, isStale } from './lib/freshness.mjs';
import { fetchKernel } from './lib/lab-kernel.mjs';
import { collect, stream } from './lib/run.mjs';
import { Unavailable } from './lib/unavailable.mjs';

export const root = fileURLToPath(new URL('..', import.meta.url));

/** Each returns what it did, throws Unavailable for what can't be had here, and any other error for what broke. */
const STEPS = {
  /** The packages of the lockfile. Ours need no install scripts: koffi and netlink ship their binaries. */
  npm: async () => {
    if (installedMatchesLockfile(root)) return 'node_modules is as the lockfile says';
    if (!(await stream('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], { cwd: root }))) {
      throw new Unavailable('npm ci failed (no network?)');
    }
    return 'installed';
  },
  packages: () => installPackages(),
  build: () => {
    const names = ['src', 'assembly', 'package.json', 'scripts/build.mjs', 'scripts/build-wasm.mjs'];
    const sources = names.map((name) => `${root}/${name}`);
    if (!isStale(`${root}/dist`, sources) && isBuiltByThisNode(`${root}/dist`)) return 'dist/ is up to date';
    const { ok, output, complaint } = collect('npm', ['run', '--silent', 'build'], { cwd: root });
    if (!ok) throw new Error(`npm run build failed\n${output}${complaint}`);
    return 'built dist/';
  },
  kernel: () => fetchKernel(wantedKernel()),
};

/** @typedef {keyof typeof STEPS} Step */
/** @typedef {{ step: Step, result: 'done' | 'unavailable' | 'failed', detail: string }} StepOutcome */

export const ALL_STEPS = /** @type {Step[]} */ (Object.keys(STEPS));

/**
 * Runs the steps in order, one line printed for each; a step that fails does not keep the next from being tried.
 * @param {readonly Step[]} [steps]
 * @returns {Promise<StepOutcome[]>}
 */
export async function setup(steps = ALL_STEPS) {
  /** @type {StepOutcome[]} */
  const outcomes = [];
  for (const step of steps) {
    const started = performance.now();
    const outcome = await attempt(step);
    outcomes.push(outcome);
    const seconds = ((performance.now() - started) / 1000).toFixed(1);
    const mark = outcome.result === 'done' ? '' : `${outcome.result}: `;
    console.log(`set-up, ${step}: ${mark}${outcome.detail} (${seconds} s)`);
  }
  return outcomes;
}

/** @param {Step} step @returns {Promise<StepOutcome>} */
async function attempt(step) {
  try {
    return { step, result: 'done', detail: await STEPS[step]() };
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    return { step, result: error instanceof Unavailable ? 'unavailable' : 'failed', detail };
  }
}

const isMain =
  process.argv[1] !== undefined &&
  existsSync(process.argv[1]) &&
  realpathSync(process.argv[1]) === fileURLToPath(import.meta.url);
if (isMain) {
  const asked = process.argv.slice(2);
  const unknown = asked.find((name) => !(name in STEPS));
  if (unknown !== undefined) {
    console.error(`no step ${unknown}: there are ${ALL_STEPS.join(', ')}`);
    process.exit(2);
  }
  const outcomes = await setup(asked.length === 0 ? ALL_STEPS : /** @type {Step[]} */ (asked));
  process.exitCode = outcomes.every(({ result }) => result === 'done') ? 0 : 1;
}
