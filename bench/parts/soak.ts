/** Long runs of the userspace data plane: starts and stops in one process, and traffic for minutes or an hour. */
import { readdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { pairTopology, Scope, start, type Running } from '../../test/lab/support/index.js';
import type { Figure } from '../report.js';
import { rows } from '../statistics.js';
import { residentKb } from './daemons.js';
import { bringUp, INNER, loopOfStarts } from './userspace/tunnels.js';

/** SOAK_MINUTES=60 for the hour, SOAK_STARTS=10000 for many starts. */
const MINUTES = Number(process.env['SOAK_MINUTES'] ?? 10);
const STARTS = Number(process.env['SOAK_STARTS'] ?? 1000);
const SAMPLES = 10;
const RATE = '200M';

export const soak = async (): Promise<Figure[]> => [await starts(), ...(await traffic())];

/** What the process has after the first starts, and after all of them. */
async function starts(): Promise<Figure> {
  const scope = new Scope();
  try {
    const { a } = await pairTopology(scope);
    const looping = loopOfStarts(scope, a, STARTS);
    const lines = new Map<string, number[]>();
    const note = (label: string): Promise<void> =>
      looping
        .waitForLog(new RegExp(`^${label}: (\\d+) threads, (\\d+) descriptors$`, 'm'), { timeoutMs: 3_600_000 })
        .then(([, threads, descriptors]) => {
          lines.set(`threads, ${label}`, [Number(threads)]);
          lines.set(`descriptors, ${label}`, [Number(descriptors)]);
        });
    await note('after 10 starts');
    await note(`after ${STARTS} starts`);
    return { title: `Starts and stops in one process`, unit: '', better: 'lower', rows: rows(lines) };
  } finally {
    await scope.close();
  }
}

/** Memory of both daemons while a TCP stream goes through, at a rate that leaves the host its breath. */
async function traffic(): Promise<Figure[]> {
  const scope = new Scope();
  try {
    const hosts = await pairTopology(scope);
    const daemons = await bringUp(scope, hosts, 'ours');
    start(scope, hosts.b, ['iperf3', '-s']);
    await sleep(1000);
    const seconds = MINUTES * 60;
    const stream = start(scope, hosts.a, ['iperf3', '-c', INNER.b, '-t', String(seconds), '-b', RATE]);
    const memory = new Map<string, number[]>();
    for (let sample = 1; sample <= SAMPLES; sample++) {
      await sleep((seconds * 1000) / SAMPLES - 100);
      const minute = ((sample * MINUTES) / SAMPLES).toFixed(1);
      memory.set(
        `minute ${minute}`,
        daemons.map((daemon) => residentKb(daemon.pid) / 1024),
      );
      console.log(`  minute ${minute}: ${daemons.map(descriptorsOf).join(' and ')} descriptors`);
    }
    await stream.exit;
    return [
      { title: `Resident memory under ${RATE}bit/s, both daemons`, unit: 'MB', better: 'lower', rows: rows(memory) },
    ];
  } finally {
    await scope.close();
  }
}

const descriptorsOf = ({ pid }: Running): number => readdirSync(`/proc/${pid}/fd`).length;
