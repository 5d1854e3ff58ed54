#!/usr/bin/env node
// Runs the bench in the lab's machine (on this one with LAB=host), prints its tables, and where all parts were run writes
// results.json and results.svg beside this file.
//
//   npm run bench [-- PART...]        parts: roam throughput start idle auth
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { GUEST_RESULTS } from '../test/lab/boot/qemu.mjs';
import { reportFailure, runInLab } from '../test/lab/boot/run.mjs';
import { compileTests } from '../scripts/lib/compile.mjs';
import { installPackages } from '../scripts/lib/debian.mjs';
import { stream, withSbin } from '../scripts/lib/run.mjs';
import { root, setup } from '../scripts/setup.mjs';

const parts = process.argv.slice(2);

const failed = (await setup()).find(({ result }) => result !== 'done');
if (failed !== undefined) {
  console.error(`bench: the set-up step ${failed.step} did not work (${failed.detail})`);
  process.exit(1);
}
console.log(`set-up, bench: ${installPackages({ wg: 'wireguard-tools' })}`);
await compileTests(root);

const command = [process.execPath, '--enable-source-maps', join(root, 'build', 'bench', 'main.js'), ...parts];
try {
  const { exitCode, report } = await (process.env.LAB === 'host' ? onHost() : inGuest());
  if (report !== undefined && parts.length === 0 && exitCode === 0) await keep(report);
  process.exitCode = exitCode;
} catch (error) {
  reportFailure(error);
  process.exitCode = 1;
}

/** @typedef {{ exitCode: number, report: string | undefined }} Outcome */

/** @returns {Promise<Outcome>} */
async function inGuest() {
  /** @type {string | undefined} */
  let report;
  const { exitCode } = await runInLab({
    command,
    cwd: root,
    env: { BENCH_RESULTS: GUEST_RESULTS },
    onResult: (line) => {
      report = line;
    },
  });
  return { exitCode, report };
}

/** @returns {Promise<Outcome>} */
async function onHost() {
  const folder = mkdtempSync(join(tmpdir(), 'ipipou-ts-bench-'));
  try {
    const results = join(folder, 'results');
    const env = { ...withSbin(), BENCH_RESULTS: results };
    const [program = process.execPath, ...args] = command;
    if (!(await stream(program, args, { cwd: root, env }))) return { exitCode: 1, report: undefined };
    return { exitCode: 0, report: readFileSync(results, 'utf8') };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** @param {string} json */
async function keep(json) {
  const report = JSON.parse(json);
  const { chart } = await import(pathToFileURL(join(root, 'build', 'bench', 'chart.js')).href);
  writeFileSync(join(root, 'bench', 'results.json'), `${JSON.stringify(report, undefined, 2)}\n`);
  writeFileSync(join(root, 'bench', 'results.svg'), chart(report));
  console.log('\nwritten: bench/results.json, bench/results.svg');
}
