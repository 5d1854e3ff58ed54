#!/usr/bin/env node
// Runs the tests that need a kernel of ours: compiles src/ and test/lab/ into build/, and runs the suites there inside
// the lab's machine, each in a boot of its own: `kernel`, `systemd`, in which systemd is the machine's init, and
// `randmap`, which runs only when it is named. An emulated machine takes one processor, but for when its tests wait:
// one more than there are processors run at a time, where there is room, and the files of the kernel suite are handed
// out to all.
//
//   node test/lab/run.mjs [-s SUITE] [-g PATTERN]      only that suite, only the tests whose full title matches
//   LAB_KERNEL=6.12 node test/lab/run.mjs   on the other kernel (default 6.1)
//   LAB=host node test/lab/run.mjs          `kernel` on this machine's own, if we are root and it has the modules
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { availableParallelism, freemem, tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { compileTests } from '../../scripts/lib/compile.mjs';
import { isRoot, missingPackages } from '../../scripts/lib/debian.mjs';
import { OneByOne } from '../../scripts/lib/one-by-one.mjs';
import { collect, withSbin } from '../../scripts/lib/run.mjs';
import { failure, noCounts, recap, sum, summary, Tally } from '../../scripts/lib/tally.mjs';
import { setup, root } from '../../scripts/setup.mjs';
import { findKernel, wantedKernel } from './boot/kernel.mjs';
import { GUEST_RESULTS } from './boot/qemu.mjs';
import { describeFailure, runInLab } from './boot/run.mjs';
import { filesOf, NEXT_FILE } from './files.mjs';

/** Without these the suite has nothing to test. */
const MODULES = ['fou', 'ipip', 'nft_queue', 'nfnetlink_queue', 'veth'];

/** @typedef {import('../../scripts/lib/tally.mjs').Counts} Counts */
/** @typedef {import('../../scripts/lib/one-by-one.mjs').Speaker} Speaker */
/** @typedef {'kernel' | 'systemd' | 'randmap'} Suite */
/** One boot. `files` are handed out to all machines that have the same list; without it the suite is run as a whole.
 * @typedef {{ suite: Suite, files?: string[], niceness: number }} Job */

/** In the order in which they begin: one that is long and can't be cut comes first. @type {readonly Suite[]} */
const SUITES = ['systemd', 'kernel', 'randmap'];
/** What runs unless a suite is named. What `randmap` takes any kernel has, and `npm test` runs it on the host. */
const USUAL = SUITES.filter((suite) => suite !== 'randmap');

/** A machine's own, and what emulating it takes. */
const MACHINE_BYTES = 3 * 2 ** 30;
const MACHINES = 3;
const AT_A_TIME = machinesAtATime();

/**
 * Compiles and runs the suites, their output streamed to `write`. What keeps one from running at all is one skip, with the
 * reason said. `niceness` is the machines', as of nice(1).
 * @typedef {{ pattern?: string, niceness?: number, write?: (chunk: Buffer | string) => void }} Wish
 * @param {readonly Suite[]} suites
 * @param {Wish} wish
 * @returns {Promise<Counts>}
 */
export async function runLabSuites(suites, { pattern, niceness = 0, write = toStdout } = {}) {
  try {
    await compileTests(root);
  } catch {
    write('lab: the tests do not compile\n');
    return failure('lab: the tests do not compile');
  }
  const output = new OneByOne(write);
  const jobs = suites.map((suite) => ({ ...jobOf(suite, pattern), niceness }));
  /** @type {Counts[]} */
  const all = [];
  const work = async () => {
    for (let job = nextOf(jobs); job !== undefined; job = nextOf(jobs)) {
      const { counts, isStuck } = await runJob(job, pattern, output);
      all.push(counts);
      if (isStuck) return;
    }
  };
  await Promise.all(Array.from({ length: AT_A_TIME }, work));
  for (const { suite, files } of jobs) all.push(failure(`not run: ${(files ?? [suite]).join(', ')}`));
  return sum(all);
}

function toStdout(/** @type {Buffer | string} */ chunk) {
  process.stdout.write(chunk);
}

/** @param {Suite} suite @param {string | undefined} pattern @returns {Omit<Job, 'niceness'>} */
function jobOf(suite, pattern) {
  const isHandedOut = suite === 'kernel' && pattern === undefined && process.env.LAB !== 'host';
  if (!isHandedOut) return { suite };
  const files = filesOf(join(root, 'build', 'test', 'lab'), suite);
  if (files.length === 0) throw new Error(`no files of the ${suite} suite in build/`);
  return { suite, files };
}

/** A list of files is a job for each machine that is free, as long as there is something on it. @param {Job[]} jobs */
function nextOf(jobs) {
  while (jobs[0]?.files?.length === 0) jobs.shift();
  return jobs[0]?.files === undefined ? jobs.shift() : jobs[0];
}

function machinesAtATime() {
  if (process.env.LAB === 'host') return 1;
  return Math.max(1, Math.min(MACHINES, availableParallelism() + 1, Math.floor(freemem() / MACHINE_BYTES)));
}

/**
 * `isStuck`: the machine failed before it had taken a file, and the next one would come no further.
 * @param {Job} job @param {string | undefined} pattern @param {OneByOne} output
 * @returns {Promise<{ counts: Counts, isStuck: boolean }>}
 */
async function runJob({ suite, files, niceness }, pattern, output) {
  const out = output.begin();
  const say = (/** @type {string} */ line) => {
    out.write(`lab: ${line}\n`);
  };
  const reason = suite === 'systemd' ? 'which has an init of its own' : whyNotHost();
  if (process.env.LAB === 'host' && reason !== undefined) say(`not on the host, ${reason}; in the machine`);
  const onHost = process.env.LAB === 'host' && reason === undefined;

  const absent = onHost ? undefined : whyNoMachine();
  if (absent !== undefined) {
    say(`skipped, ${absent}`);
    out.close();
    files?.splice(0);
    return { counts: { ...noCounts(), skipped: 1 }, isStuck: false };
  }

  const tally = new Tally();
  const mode = files === undefined ? 'all' : 'asking';
  const command = [process.execPath, '--enable-source-maps', join(root, 'test', 'lab', 'suite.mjs'), suite, mode];
  if (pattern !== undefined) command.push(pattern);
  if (onHost) {
    say('on the host');
    out.close();
    return { counts: tally.finish(await runOnHost(command, tally)), isStuck: false };
  }
  const sections = new Sections(output, out);
  const { well, taken } = await runInGuest({ suite, niceness, ...(files && { files }) }, command, tally, sections);
  if (tally.running !== undefined) sections.write(`lab: broke off in: ${tally.running}\n`);
  sections.close();
  const tookNone = files !== undefined && taken === 0;
  // The others had taken everything by the time this one was up.
  if (well && tookNone) return { counts: noCounts(), isStuck: false };
  return { counts: tally.finish(well), isStuck: tookNone };
}

/** What a machine says, cut at its files: nobody has to wait for the whole of it to read what another one says. */
class Sections {
  /** @param {OneByOne} output @param {Speaker} first */
  constructor(output, first) {
    this.output = output;
    this.speaker = first;
  }

  /** @param {Buffer | string} chunk */
  write(chunk) {
    this.speaker.write(chunk);
  }

  next() {
    this.close();
    this.speaker = this.output.begin();
  }

  close() {
    this.speaker.close();
  }
}

/** Results and output come by ways of their own; by then the last of the output is here. */
const OUTPUT_DELAY_MS = 100;

/**
 * `taken` is how many files were handed to it.
 * @param {Job} job @param {string[]} command @param {Tally} tally @param {Sections} out
 * @returns {Promise<{ well: boolean, taken: number }>}
 */
async function runInGuest({ suite, files, niceness }, command, tally, out) {
  const version = wantedKernel();
  out.write(`lab: booting ${findKernel(version)?.release ?? version}: ${suite} suite\n`);
  const started = performance.now();
  let taken = 0;
  const handOut = (/** @type {(text: string) => void} */ answer) => {
    const file = files?.shift();
    if (file !== undefined) {
      taken += 1;
      tally.expect(file);
      out.next();
    }
    answer(`${file ?? ''}\n`);
  };
  /** @type {NodeJS.Timeout | undefined} */
  let soon;
  try {
    const { exitCode, bootMs, totalMs } = await runInLab({
      command,
      ...(suite === 'systemd' && { prepare: ['sh', join(root, 'test', 'lab', 'systemd', 'prepare.sh')] }),
      cwd: root,
      env: { TEST_EVENTS: GUEST_RESULTS, LAB_KERNEL: version },
      showConsole: process.env.LAB_CONSOLE === '1',
      // Two emulated processors in each of several machines would wait for each other most of the time.
      ...(AT_A_TIME > 1 && { processors: 1 }),
      niceness,
      onOutput: (chunk) => {
        out.write(chunk);
      },
      onResult: (line, answer) => {
        if (line === NEXT_FILE) soon = setTimeout(handOut, OUTPUT_DELAY_MS, answer);
        else tally.see(line);
      },
    });
    out.write(`lab: ${suite} suite: up after ${seconds(bootMs)}, off after ${seconds(totalMs)}\n`);
    return { well: exitCode === 0, taken };
  } catch (error) {
    out.write(`${describeFailure(error)}\nlab: ${suite} suite: failed after ${seconds(performance.now() - started)}\n`);
    return { well: false, taken };
  } finally {
    clearTimeout(soon);
  }
}

/** @param {string[]} command @param {Tally} tally @returns {Promise<boolean>} */
async function runOnHost([program = process.execPath, ...args], tally) {
  const folder = mkdtempSync(join(tmpdir(), 'ipipou-ts-lab-'));
  const events = join(folder, 'events');
  const env = withSbin();
  delete env.LAB_KERNEL; // it says what the machine boots
  const code = await new Promise((resolve) => {
    const child = spawn(program, args, { cwd: root, stdio: 'inherit', env: { ...env, TEST_EVENTS: events } });
    child.on('close', resolve);
  });
  for (const line of readFileSync(events, { encoding: 'utf8', flag: 'a+' }).split('\n').filter(Boolean))
    tally.see(line);
  rmSync(folder, { recursive: true });
  return code === 0;
}

const seconds = (/** @type {number} */ ms) => `${(ms / 1000).toFixed(1)} s`;

function whyNotHost() {
  if (!isRoot()) return 'which needs root';
  const { ok, complaint } = collect('modprobe', ['-n', '-a', ...MODULES]);
  return ok ? undefined : `whose kernel lacks modules (${complaint})`;
}

function whyNoMachine() {
  const missing = missingPackages();
  if (missing.length > 0) return `missing: ${missing.join(' ')}`;
  return findKernel(wantedKernel()) === undefined ? `no Linux ${wantedKernel()} unpacked` : undefined;
}

/** @param {string[]} argv @returns {{ pattern?: string, suites: readonly Suite[] } | undefined} */
function parseArguments(argv) {
  try {
    const { values } = parseArgs({
      args: argv,
      options: { s: { type: 'string', short: 's' }, g: { type: 'string', short: 'g' } },
    });
    const suites = values.s === undefined ? USUAL : SUITES.filter((suite) => suite === values.s);
    if (suites.length === 0) return undefined;
    return { suites, ...(values.g !== undefined && { pattern: values.g }) };
  } catch {
    return undefined;
  }
}

if (process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const asked = parseArguments(process.argv.slice(2));
  if (asked === undefined) {
    console.error('usage: node test/lab/run.mjs [-s kernel|systemd|randmap] [-g PATTERN]');
    process.exit(2);
  }
  // A dist/ that could not be built is an old one: what passes with it has not passed.
  const broken = (await setup()).filter(({ result }) => result === 'failed');
  const setUp = broken.map(({ step, detail }) => failure(`set-up, ${step}: ${detail}`));
  const counts = sum([...setUp, await runLabSuites(asked.suites, asked)]);
  console.log(`${recap(counts)}${summary(counts)}`);
  process.exitCode = counts.failures.length > 0 ? 1 : 0;
}
