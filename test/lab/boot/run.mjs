#!/usr/bin/env node
// Runs one command in a small virtual machine with a stock Debian kernel: the host's files, read through an overlay,
// under a kernel that has fou, ipip and nft_queue.
//
//   node test/lab/boot/run.mjs -- ip link add t0 type ipip remote 10.0.0.1
//   node test/lab/boot/run.mjs -- bash              a shell in the lab, when started from a terminal
//   LAB_KERNEL=6.12 LAB_CONSOLE=1 node test/lab/boot/run.mjs -- uname -r      also shows the kernel's console
import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { accelerators, rememberKvmFailure } from './accel.mjs';
import { buildInitramfs } from './initramfs.mjs';
import { findKernel, wantedKernel } from './kernel.mjs';
import { LabFailure, runMachine } from './machine.mjs';

/** Of the guest, unless the job or LAB_PROCESSORS says another number. */
const PROCESSORS = 2;

/**
 * `onResult` gets each line the command writes to `GUEST_RESULTS`, where it reads what is answered; `onOutput` its output, else it goes to stdout.
 * With `prepare` the guest's first process is systemd, after that command has ended: `command` is run once it has
 * booted.
 * @typedef {(line: string, answer: (text: string) => void) => void} OnResult
 * @typedef {{ command: readonly string[], cwd: string, env?: Readonly<Record<string, string>>, interactive?: boolean,
 *   showConsole?: boolean, limits?: { silenceMs: number, totalMs: number }, onResult?: OnResult,
 *   onOutput?: (chunk: Buffer) => void, prepare?: readonly string[], processors?: number,
 *   niceness?: number }} LabJob
 * @typedef {{ exitCode: number, bootMs: number, totalMs: number }} LabOutcome
 */

/**
 * Boots the machine, runs the command in it as root, and gives back its exit code.
 * @param {LabJob} job
 * @returns {Promise<LabOutcome>}
 * @throws {LabFailure} on a kernel fault, a hang, or a machine that ends early
 */
export async function runInLab(job) {
  const version = wantedKernel();
  const kernel = findKernel(version);
  if (kernel === undefined) throw new Error(`no kernel ${version} unpacked: node scripts/setup.mjs does that`);
  const folder = mkdtempSync(join(tmpdir(), 'ipipou-ts-lab-'));
  const remove = () => {
    rmSync(folder, { recursive: true, force: true });
  };
  const leave = () => process.exit(130);
  process.once('exit', remove).once('SIGINT', leave).once('SIGTERM', leave);
  try {
    const initramfs = join(folder, 'initramfs.cpio');
    writeFileSync(initramfs, buildInitramfs(kernel, guestJob(job, kernel)));
    const wanted = Number(process.env.LAB_PROCESSORS) || (job.processors ?? PROCESSORS);
    const processors = Math.min(wanted, availableParallelism());
    const machine = { image: kernel.image, initramfs, processors, niceness: job.niceness ?? 0 };
    return await runOnFirstWorking(accelerators(), machine, job);
  } finally {
    remove();
    process.off('exit', remove).off('SIGINT', leave).off('SIGTERM', leave);
  }
}

/**
 * @param {readonly string[]} choices
 * @param {Omit<import('./qemu.mjs').MachineSetup, 'accelerator'>} files
 * @param {LabJob} job
 */
async function runOnFirstWorking(choices, files, job) {
  for (const accelerator of choices.slice(0, -1)) {
    try {
      return await runMachine({ ...files, accelerator }, job);
    } catch (error) {
      if (!(error instanceof LabFailure) || error.hadStarted) throw error;
      console.error(`lab: ${accelerator} is there but does not work (${error.message}); emulating instead`);
      rememberKvmFailure();
    }
  }
  return runMachine({ ...files, accelerator: choices.at(-1) ?? 'tcg' }, job);
}

/** @param {LabJob} job @param {import('./kernel.mjs').LabKernel} kernel */
function guestJob(job, kernel) {
  const cwd = realpathSync(job.cwd);
  const env = {
    PATH: `${process.env.PATH ?? ''}:/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin`,
    HOME: '/root',
    LANG: 'C.UTF-8',
    // The guest always writes to a terminal; colours are for when the host does.
    ...(process.stdout.isTTY ? { TERM: process.env.TERM ?? 'linux' } : { TERM: 'dumb', NO_COLOR: '1' }),
    ...job.env,
  };
  const keep = [cwd, realpathSync(kernel.modules), realpathSync(process.execPath)];
  return { command: job.command, cwd, env, interactive: job.interactive === true, keep, prepare: job.prepare };
}

/** Why the machine failed, in lines; what else went wrong is thrown on. @param {unknown} error */
export function describeFailure(error) {
  if (!(error instanceof LabFailure)) throw error;
  const tail = error.console.length > 0 ? [`the console's last lines:`, ...error.console] : [];
  return `\n${[error.message, ...tail].join('\n')}`;
}

/** Prints why the machine failed; what else went wrong is thrown on. @param {unknown} error */
export function reportFailure(error) {
  console.error(describeFailure(error));
}

if (process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const command = process.argv.slice(process.argv[2] === '--' ? 3 : 2);
  if (command.length === 0) {
    console.error('usage: node test/lab/boot/run.mjs -- COMMAND [ARGUMENT...]');
    process.exit(2);
  }
  try {
    const { exitCode, bootMs, totalMs } = await runInLab({
      command,
      cwd: process.cwd(),
      interactive: process.stdin.isTTY && process.stdout.isTTY,
      showConsole: process.env.LAB_CONSOLE === '1',
    });
    console.error(`lab: up after ${bootMs} ms, off after ${totalMs} ms, exit code ${exitCode}`);
    process.exitCode = exitCode;
  } catch (error) {
    reportFailure(error);
    process.exitCode = 1;
  }
}
