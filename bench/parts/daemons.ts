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
const SETTLED_AFTER_MS = 5000;
const WATCHED_MS = 10_000;
const STRETCHES = 6;
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
  const memory = new Map<Side, number[]>(SIDES.map((side) => [side, []]));
  let cpu = new Map<Side, number[]>();
  for (let turn = 1; turn <= TURNS; turn++) {
    const scope = new Scope();
    try {
      const daemons = await startPair(scope);
      await sleep(SETTLED_AFTER_MS);
      for (const side of SIDES) memory.get(side)?.push(residentKb(daemons[side].pid) / 1024);
      if (turn === TURNS) cpu = await idleCpu(daemons);
    } finally {
      await scope.close();
    }
    console.log(`  turn ${turn} of ${TURNS}`);
  }
  return [
    { title: 'Resident memory, idle', unit: 'MB', better: 'lower', rows: rows(memory) },
    {
      title: `Processor time in ${WATCHED_MS / 1000} s, idle`,
      unit: 'ms',
      better: 'lower',
      rows: rows(cpu),
      note: `The kernel counts in ticks of ${TICK_MS} ms. What V8 tidies up after a start is over by then.`,
    },
  ];
}

type Side = (typeof SIDES)[number];
type Pair = Readonly<Record<Side, Running>>;

async function startPair(scope: Scope): Promise<Pair> {
  const { a, b } = await pairTopology(scope);
  const keys = makeKeys();
  const state = (): string[] => ['--state-dir', stateDir(scope)];
  const usual = (args: string[]): string[] => [...args, '--verb', '2'];
  const server = startDaemon(scope, b, usual(serverArgs(keys, '--reply-on-auth-ok', '-b', '@eth', ...state())));
  const client = startDaemon(scope, a, usual(clientArgs(keys, '10.9.3.2:10000', ...state())));
  await client.waitForLog(/the server answered/);
  return { server, client };
}

/** Of the first stretch in which nothing is done but what is done for ever, or else of the last one. */
async function idleCpu(daemons: Pair): Promise<Map<Side, number[]>> {
  let used = new Map<Side, number[]>();
  for (let stretch = 0; stretch < STRETCHES; stretch++) {
    const before = SIDES.map((side) => cpuMs(daemons[side].pid));
    await sleep(WATCHED_MS);
    used = new Map(SIDES.map((side, index) => [side, [cpuMs(daemons[side].pid) - (before[index] ?? NaN)]]));
    if ([...used.values()].flat().every((ms) => ms <= TICK_MS)) break;
  }
  return used;
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
