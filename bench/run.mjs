#!/usr/bin/env node
// Runs the bench and prints its tables: what is about the kernel data plane in the lab's machine (on this one with
// LAB=host), and what is about the userspace one on this host, as root. Where all parts of the former were run, they are
// written beside this file: results.json and results.svg; of the others each by its name, like userspace.json.
//
//   npm run bench [-- PART...]        parts: roam throughput start idle auth egress, and userspace soak
//   LAB_ACCEL=icount npm run bench -- throughput      in counted time, which does not scatter
//   SOAK_MINUTES=60 SOAK_STARTS=10000 npm run bench -- soak
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { GUEST_RESULTS } from '../test/lab/boot/qemu.mjs';
import { reportFailure, runInLab } from '../test/lab/boot/run.mjs';
import { compileTests } from '../scripts/lib/compile.mjs';
import { installPackages, isRoot } from '../scripts/lib/debian.mjs';
import { stream, withSbin } from '../scripts/lib/run.mjs';
import { root, setup } from '../scripts/setup.mjs';

const LAB_PARTS = ['roam', 'throughput', 'start', 'idle', 'auth', 'egress'];
/** Each by itself: long runs are for those who ask for them. */
const HOST_PARTS = ['userspace', 'soak'];
/** What the parts take beyond the tests, by a command of each package. */
const PACKAGES = { wg: 'wireguard-tools', openvpn: 'openvpn', fastd: 'fastd', tincd: 'tinc', ethtool: 'ethtool' };

const asked = process.argv.slice(2);
const unknown = asked.find((name) => ![...LAB_PARTS, ...HOST_PARTS].includes(name));
if (unknown !== undefined) {
  console.error(`no part ${unknown}: there are ${[...LAB_PARTS, ...HOST_PARTS].join(', ')}`);
  process.exit(2);
}
const failed = (await setup()).find(({ result }) => result !== 'done');
if (failed !== undefined) {
  console.error(`bench: the set-up step ${failed.step} did not work (${failed.detail})`);
  process.exit(1);
}
console.log(`set-up, bench: ${installPackages(PACKAGES)}`);
await compileTests(root);

await run('results', LAB_PARTS, process.env.LAB === 'host' ? onHost : inGuest);
if (!isRoot()) console.log('bench: not of the userspace data plane, which needs root');
else for (const part of HOST_PARTS) await run(part, [part], onHost);

/**
 * Runs those of the parts that are asked for.
 * @param {string} name of the files
 * @param {readonly string[]} parts
 * @param {(command: readonly string[]) => Promise<Outcome>} where
 */
async function run(name, parts, where) {
  const wanted = asked.length === 0 ? parts : parts.filter((part) => asked.includes(part));
  if (wanted.length === 0) return;
  const main = join(root, 'build', 'bench', 'main.js');
  try {
    const { exitCode, report } = await where([process.execPath, '--enable-source-maps', main, ...wanted]);
    if (report !== undefined && wanted.length === parts.length && exitCode === 0) await keep(name, report);
    if (exitCode !== 0) process.exitCode = exitCode;
  } catch (error) {
    reportFailure(error);
    process.exitCode = 1;
  }
}

/** @typedef {{ exitCode: number, report: string | undefined }} Outcome */

/** @param {readonly string[]} command @returns {Promise<Outcome>} */
async function inGuest(command) {
  /** @type {string | undefined} */
  let report;
  const { exitCode } = await runInLab({
    command,
    cwd: root,
    env: {
      BENCH_RESULTS: GUEST_RESULTS,
      ...(process.env.LAB_ACCEL !== undefined && { BENCH_ACCELERATOR: process.env.LAB_ACCEL }),
    },
    onResult: (line) => {
      report = line;
    },
  });
  return { exitCode, report };
}

/** @param {readonly string[]} command @returns {Promise<Outcome>} */
async function onHost([program = process.execPath, ...args]) {
  const folder = mkdtempSync(join(tmpdir(), 'ipipou-ts-bench-'));
  try {
    const results = join(folder, 'results');
    const env = { ...withSbin(), BENCH_RESULTS: results };
    if (!(await stream(program, args, { cwd: root, env }))) return { exitCode: 1, report: undefined };
    return { exitCode: 0, report: readFileSync(results, 'utf8') };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** @param {string} name @param {string} json */
async function keep(name, json) {
  const report = JSON.parse(json);
  const { chart } = await import(pathToFileURL(join(root, 'build', 'bench', 'chart.js')).href);
  writeFileSync(join(root, 'bench', `${name}.json`), `${JSON.stringify(report, undefined, 2)}\n`);
  writeFileSync(join(root, 'bench', `${name}.svg`), chart(report));
  console.log(`\nwritten: bench/${name}.json, bench/${name}.svg`);
}
