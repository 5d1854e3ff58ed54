/** What the processes themselves take: time to be ready, memory, processor. */
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { pairTopology, Scope, startDaemon, type Running } from '../../test/lab/support/index.js';
import { clientArgs, makeKeys, serverArgs, stateDir } from '../../test/lab/support/tunnel.js';
import type { Figure } from '../report.js';
import { inTurns, rows } from '../statistics.js';

const TURNS = 7;
const SIDES = ['server', 'client'] as const;
/** What a start leaves to be done is over by then. */
const SETTLED_AFTER_MS = 7000;
const WATCHED_MS = 10_000;
/** proc(5), on every Linux that Node runs on. */
const TICK_MS = 10;

export async function coldStart(): Promise<Figure[]> {
  const measured = await inTurns(SIDES, TURNS, async (side) => {
    const scope = new Scope();
    try {
      const { a, b } = await pairTopology(scope);
      const keys = makeKeys();
      const state = ['--state-dir', stateDir(scope)];
      const started = performance.now();
      if (side === 'server') {
        await startDaemon(scope, b, serverArgs(keys, '-b', '@eth', ...state)).waitForLog(/server ready/);
      } else {
        await startDaemon(scope, a, clientArgs(keys, '10.9.3.2:10000', ...state)).waitForLog(/client ready/);
      }
      return [performance.now() - started];
    } finally {
      await scope.close();
    }
  });
  return [{ title: 'Cold start, from the command to ready', unit: 'ms', better: 'lower', rows: rows(measured) }];
}

export async function idle(): Promise<Figure[]> {
  const scope = new Scope();
  try {
    const { a, b } = await pairTopology(scope);
    const keys = makeKeys();
    const state = (): string[] => ['--state-dir', stateDir(scope)];
    const usual = (args: string[]): string[] => [...args, '--verb', '2'];
    const server = startDaemon(scope, b, usual(serverArgs(keys, '--reply-on-auth-ok', '-b', '@eth', ...state())));
    const client = startDaemon(scope, a, usual(clientArgs(keys, '10.9.3.2:10000', ...state())));
    await client.waitForLog(/the server answered/);
    await sleep(SETTLED_AFTER_MS);
    const daemons = new Map([
      ['server', server],
      ['client', client],
    ]);
    const before = new Map([...daemons].map(([name, { pid }]) => [name, cpuMs(pid)]));
    await sleep(WATCHED_MS);
    const each = (measure: (daemon: Running, name: string) => number): Map<string, number[]> =>
      new Map([...daemons].map(([name, daemon]) => [name, [measure(daemon, name)]]));
    return [
      {
        title: 'Resident memory, idle',
        unit: 'MB',
        better: 'lower',
        rows: rows(each(({ pid }) => residentKb(pid) / 1024)),
      },
      {
        title: `Processor time in ${WATCHED_MS / 1000} s, idle`,
        unit: 'ms',
        better: 'lower',
        rows: rows(each(({ pid }, name) => cpuMs(pid) - (before.get(name) ?? NaN))),
        note: `The kernel counts in ticks of ${TICK_MS} ms.`,
      },
    ];
  } finally {
    await scope.close();
  }
}

export const residentKb = (pid: number): number =>
  Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);

/** User and system time of all its threads. */
export function cpuMs(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ');
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
}
