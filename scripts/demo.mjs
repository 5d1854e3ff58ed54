#!/usr/bin/env node
// `npm run demo`: sets up what is missing, then shows a tunnel from start to stop (demo/), on this machine where it can
// carry one, otherwise in the lab's machine. It ends clean, whatever ends it.
//
//   npm run demo                                  with the data plane that this machine has
//   npm run demo -- --data-plane kernel           with that one; in the lab's machine where this one has no FOU
//   npm run demo -- --data-plane userspace
//   LAB=machine npm run demo                      in the lab's machine in any case; LAB_KERNEL=6.12: its other kernel
import { mkdtempSync, rmSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { findKernel, wantedKernel } from '../test/lab/boot/kernel.mjs';
import { reportFailure, runInLab } from '../test/lab/boot/run.mjs';
import { compileTests } from './lib/compile.mjs';
import { DATA_PLANES, whyNotOnThisHost } from './lib/demo-host.mjs';
import { runEnclosed } from './lib/enclosed.mjs';
import { root, setup } from './setup.mjs';

const DEMO = join(root, 'build', 'demo', 'main.js');

/** @param {string} sentence @returns {never} */
function giveUp(sentence) {
  console.error(`\nThe demo can't be shown: ${sentence}`);
  process.exit(1);
}

/** @param {readonly import('./setup.mjs').Step[]} steps */
async function need(steps) {
  const failed = (await setup(steps)).find(({ result }) => result !== 'done');
  if (failed !== undefined) giveUp(`the set-up step ${failed.step} did not work (${failed.detail}).`);
}

function askedPlane() {
  try {
    const { values } = parseArgs({ options: { 'data-plane': { type: 'string', default: 'auto' } } });
    const plane = DATA_PLANES.find((name) => name === values['data-plane']);
    if (plane !== undefined) return plane;
  } catch {
    // Said below.
  }
  console.error(`usage: npm run demo -- [--data-plane ${DATA_PLANES.join('|')}]`);
  process.exit(2);
}

async function showInMachine() {
  // All that the machine keeps on disk goes there, and with us, however we end.
  const folder = mkdtempSync(join(tmpdir(), 'ipipou-ts-demo-'));
  process.env.TMPDIR = folder;
  process.once('exit', () => {
    rmSync(folder, { recursive: true, force: true });
  });
  for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])) {
    process.once(signal, () => {
      console.error(`\n${signal}: the machine is switched off, and nothing of it is left.`);
      process.exit(128 + constants.signals[signal]);
    });
  }
  console.log(`\nBooting a machine with Linux ${findKernel(wantedKernel())?.release ?? wantedKernel()} ...`);
  try {
    const command = [process.execPath, '--enable-source-maps', DEMO, '--data-plane', plane];
    const { exitCode, bootMs, totalMs } = await runInLab({ command, cwd: root });
    const seconds = (/** @type {number} */ ms) => (ms / 1000).toFixed(1);
    console.log(`\nThe machine was up after ${seconds(bootMs)} s, and off after ${seconds(totalMs)} s.`);
    process.exitCode = exitCode;
  } catch (error) {
    reportFailure(error);
    process.exitCode = 1;
  }
}

const plane = askedPlane();
await need(['npm', 'packages', 'build']);
await compileTests(root).catch(() => giveUp('it does not compile.'));
const reason = process.env.LAB === 'machine' ? 'LAB=machine says so' : whyNotOnThisHost(plane);
if (reason === undefined) {
  process.exitCode = await runEnclosed([process.execPath, '--enable-source-maps', DEMO, '--data-plane', plane]);
} else {
  console.log(`\nNot on this machine itself: ${reason}.`);
  await need(['kernel']);
  await showInMachine();
}
