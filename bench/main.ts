/**
 * Runs the parts of the bench that are named, all without a name, and prints a table for each figure. With BENCH_RESULTS
 * the report is also written there, as one line of JSON. Started by run.mjs, in the lab's machine or on the host.
 */
import { appendFileSync } from 'node:fs';
import { availableParallelism, release } from 'node:os';
import { exec } from '../test/lab/support/index.js';
import { auth } from './parts/auth.js';
import { coldStart, idle } from './parts/daemons.js';
import { egress } from './parts/egress.js';
import { roam } from './parts/roam.js';
import { soak } from './parts/soak.js';
import { throughput } from './parts/throughput.js';
import { userspace } from './parts/userspace/index.js';
import { table, type Figure, type Report } from './report.js';

const PARTS: Readonly<Record<string, () => Promise<Figure[]>>> = {
  roam,
  throughput,
  start: coldStart,
  idle,
  auth,
  egress,
  userspace,
  soak,
};

const asked = process.argv.slice(2);
const unknown = asked.find((name) => PARTS[name] === undefined);
if (unknown !== undefined) {
  console.error(`no part ${unknown}: there are ${Object.keys(PARTS).join(', ')}`);
  process.exit(2);
}

const figures: Figure[] = [];
const failed: string[] = [];
for (const [name, part] of Object.entries(PARTS)) {
  if (asked.length > 0 && !asked.includes(name)) continue;
  const started = performance.now();
  try {
    const made = await part();
    for (const figure of made) console.log(`\n${table(figure)}`);
    figures.push(...made);
  } catch (error) {
    // The figures of the other parts have been waited for too.
    console.error(error);
    failed.push(name);
  }
  console.log(`(${name}: ${Math.round((performance.now() - started) / 1000)} s)`);
}
const { stdout } = await exec(['systemd-detect-virt'], { mayFail: true });
const report: Report = {
  circumstances: {
    date: new Date().toISOString().slice(0, 10),
    kernel: release(),
    processors: availableParallelism(),
    node: process.version,
    accelerator: process.env['BENCH_ACCELERATOR'] ?? (stdout.trim() === 'qemu' ? 'tcg' : stdout.trim()),
  },
  figures,
};
if (process.env['BENCH_RESULTS'] !== undefined) {
  appendFileSync(process.env['BENCH_RESULTS'], `${JSON.stringify(report)}\n`);
}
if (failed.length > 0) console.error(`failed: ${failed.join(', ')}`);
process.exit(failed.length > 0 ? 1 : 0);
