import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { before, describe, it } from 'mocha';
import { suiteScope } from './support/index.js';
import { natTunnel, type NatTunnel } from './support/tunnel.js';

const RESIDENT_LIMIT_KB = 70_000_000 / 1024;
const WATCHED_MS = 10_000;
const IN_A_ROW = 3;
/** What a start leaves to be done (state file, garbage collection of V8's own choosing) is over by then. */
const SETTLED_MS = 90_000;
/**
 * In ticks of 10 ms (proc(5)), on an emulated processor: room for the one look at the listener that falls into the time.
 */
const CPU_TICKS_LIMIT = 5;

const residentKb = (pid: number): number =>
  Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);

function cpuTicks(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ');
  return Number(fields[11]) + Number(fields[12]);
}

describe('an idle server', () => {
  const scope = suiteScope();
  let tunnel: NatTunnel;

  before(async () => {
    tunnel = await natTunnel(scope);
  });

  it('stays below 70 MB resident and uses no CPU', async function () {
    const { pid } = tunnel.server;
    const windows: number[] = [];
    const isIdle = (): boolean => windows.slice(-IN_A_ROW).every((ticks) => ticks <= CPU_TICKS_LIMIT);
    const deadline = performance.now() + SETTLED_MS;
    do {
      // Nothing is awaited here: the time itself is what is watched.
      const before = cpuTicks(pid);
      await sleep(WATCHED_MS);
      windows.push(cpuTicks(pid) - before);
    } while (windows.length < IN_A_ROW || (!isIdle() && performance.now() < deadline));
    const resident = residentKb(pid);
    const told = windows.map((ticks) => `${ticks * 10}`).join(', ');
    console.log(`        idle server: ${Math.round(resident / 1000)} MB resident, ms of CPU in 10 s each: ${told}`);
    assert.ok(isIdle(), `ticks of 10 ms: ${windows.join(', ')}`);
    assert.ok(resident <= RESIDENT_LIMIT_KB, `${resident} kB`);
  });
});
