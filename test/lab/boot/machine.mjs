// One life of the virtual machine, from power-on to its end, judged.
import { performance } from 'node:perf_hooks';
import { startMachine } from './qemu.mjs';
import { ConsoleWatch, lineSplitter, startDeadlines } from './watch.mjs';

/** The longest test of the suite says nothing for two minutes, on a slow day for four. */
const LIMITS = { silenceMs: 420_000, totalMs: 7_200_000 };
/** KVM needs two seconds; one that hasn't got through by now is broken. */
const KVM_BOOT_MS = 20_000;

/** The machine did not get to the end of the command. */
export class LabFailure extends Error {
  /**
   * @param {string} reason
   * @param {readonly string[]} console the last lines the guest's kernel printed
   * @param {boolean} hadStarted whether the guest got as far as starting the command
   */
  constructor(reason, console, hadStarted) {
    super(`the lab's machine failed: ${reason}`);
    this.name = 'LabFailure';
    this.console = console;
    this.hadStarted = hadStarted;
  }
}

/**
 * @param {import('./qemu.mjs').MachineSetup} setup
 * @param {import('./run.mjs').LabJob} job
 * @returns {Promise<import('./run.mjs').LabOutcome>}
 * @throws {LabFailure} on a kernel fault, a hang, or a machine that ends early
 */
export function runMachine(setup, job) {
  const started = performance.now();
  const since = () => Math.round(performance.now() - started);
  const machine = startMachine(setup);
  const watch = new ConsoleWatch();
  /** @type {{ bootMs?: number, exitCode?: number, reason?: string, complaint: string }} */
  const seen = { complaint: '' };

  const kill = () => machine.process.kill('SIGKILL');
  const giveUp = (/** @type {string} */ reason) => {
    seen.reason ??= reason;
    kill();
  };
  process.once('exit', kill);
  const deadlines = startDeadlines(job.limits ?? LIMITS, giveUp);
  const boot = startDeadlines(
    { silenceMs: Infinity, totalMs: setup.accelerator === 'kvm' ? KVM_BOOT_MS : Infinity },
    giveUp,
  );

  const onOutput = job.onOutput ?? ((chunk) => process.stdout.write(chunk));
  const consoleLines = lineSplitter((line) => {
    watch.see(line);
    if (job.showConsole === true) process.stderr.write(`[console] ${line}\n`);
  });
  const resultLines = lineSplitter((line) =>
    job.onResult?.(line, (text) => {
      machine.results.write(text);
    }),
  );
  const controlLines = lineSplitter((line) => {
    const exit = /^exit (\d+)$/.exec(line);
    if (exit !== null) seen.exitCode = Number(exit[1]);
    else if (line === 'up') {
      seen.bootMs = since();
      boot.stop();
    }
  });

  const attach = (/** @type {import('node:net').Socket} */ stream, /** @type {(chunk: Buffer) => void} */ take) => {
    stream.on('data', (chunk) => {
      deadlines.heard();
      take(chunk);
    });
    // A killed machine resets its sockets; its end is judged by the process's exit.
    stream.on('error', () => undefined);
  };
  attach(machine.console, consoleLines.push);
  attach(machine.terminal, onOutput);
  attach(machine.control, controlLines.push);
  attach(machine.results, resultLines.push);
  machine.complaints.on('data', (chunk) => {
    seen.complaint += String(chunk);
    // QEMU only stops the virtual processor then, and would wait for somebody to look at it.
    if (seen.complaint.includes('KVM internal error')) giveUp('KVM internal error');
  });

  return new Promise((resolve, reject) => {
    machine.process.on('error', reject);
    machine.process.on('close', (code) => {
      process.off('exit', kill);
      boot.stop();
      deadlines.stop();
      for (const lines of [consoleLines, resultLines, controlLines]) lines.end();
      const reason = watch.fault ?? seen.reason ?? earlyEnd(seen.exitCode, code, seen.complaint);
      if (reason !== undefined) reject(new LabFailure(reason, watch.tail, seen.bootMs !== undefined));
      else resolve({ exitCode: seen.exitCode ?? 1, bootMs: seen.bootMs ?? 0, totalMs: since() });
    });
    if (job.interactive === true) connectKeyboard(machine.process, machine.terminal);
  });
}

/** @param {number | undefined} exitCode @param {number | null} code @param {string} complaint */
function earlyEnd(exitCode, code, complaint) {
  if (exitCode !== undefined) return undefined;
  return `it ended (${code ?? 'killed'}) before the command did${complaint === '' ? '' : `: ${complaint.trim()}`}`;
}

/** @param {import('node:child_process').ChildProcess} qemu @param {import('node:net').Socket} terminal */
function connectKeyboard(qemu, terminal) {
  process.stdin.setRawMode(true);
  process.stdin.on('data', (chunk) => terminal.write(chunk));
  qemu.once('close', () => {
    process.stdin.setRawMode(false);
    process.stdin.pause();
  });
}
