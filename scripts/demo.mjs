#!/usr/bin/env node
// `npm run demo`: sets up what is missing, then shows a tunnel from start to stop (demo/), on this machine where it is
// root's and has the kernel modules, otherwise in the lab's machine. It ends clean, also by Ctrl-C.
//
//   npm run demo
//   LAB=machine npm run demo          in the lab's machine in any case; LAB_KERNEL=6.12 chooses its other kernel
import { mkdtempSync, rmSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { findKernel, wantedKernel } from '../test/lab/boot/kernel.mjs';
import { reportFailure, runInLab } from '../test/lab/boot/run.mjs';
import { compileTests } from './lib/compile.mjs';
import { isRoot } from './lib/debian.mjs';
import { collect, withSbin } from './lib/run.mjs';
import { root, setup } from './setup.mjs';

/** What the tunnel itself needs of the kernel, and what the hosts of the demo are made of. */
const MODULES = ['fou', 'ipip', 'dummy', 'nft_queue', 'nfnetlink_queue', 'nft_masq', 'veth', 'bridge'];
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

function isHostFit() {
  return process.env.LAB !== 'machine' && isRoot() && collect('modprobe', ['-n', '-a', ...MODULES]).ok;
}

async function showHere() {
  process.env.PATH = withSbin().PATH;
  process.setSourceMapsEnabled(true);
  await import(pathToFileURL(DEMO).href); // it ends the process
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
    const command = [process.execPath, '--enable-source-maps', DEMO];
    const { exitCode, bootMs, totalMs } = await runInLab({ command, cwd: root });
    const seconds = (/** @type {number} */ ms) => (ms / 1000).toFixed(1);
    console.log(`\nThe machine was up after ${seconds(bootMs)} s, and off after ${seconds(totalMs)} s.`);
    process.exitCode = exitCode;
  } catch (error) {
    reportFailure(error);
    process.exitCode = 1;
  }
}

await need(['npm', 'packages', 'build']);
await compileTests(root).catch(() => giveUp('it does not compile.'));
if (isHostFit()) {
  await showHere();
} else {
  await need(['kernel']);
  await showInMachine();
}
