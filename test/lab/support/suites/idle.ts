/** What a tunnel costs that nothing passes through. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { after, before, describe, it } from 'mocha';
import { Scope } from '../index.js';
import { natTunnel, type NatTunnel } from '../tunnel.js';
import { SUITE_TIMEOUT_MS, type PlaneSuite } from './plane.js';

export interface IdleSuite extends PlaneSuite {
  readonly watchedMs: number;
  /** In ticks of 10 ms (proc(5)), of one window. */
  readonly cpuTicksLimit: number;
  readonly residentLimitBytes: number;
  /** Of threads other than the main one, in one window: they may have no timer, nor anything else that wakes them. */
  readonly wakeUpsLimit?: number;
}

const IN_A_ROW = 3;
/** What a start leaves to be done (state file, garbage collection of V8's own choosing) is over by then. */
const SETTLED_MS = 90_000;

const residentBytes = (pid: number): number =>
  1024 * Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);

function cpuTicks(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ');
  return Number(fields[11]) + Number(fields[12]);
}

/** How often threads beside the main one have begun to wait, by all of them together. */
const wakeUps = (pid: number): number =>
  readdirSync(`/proc/${pid}/task`)
    .filter((task) => Number(task) !== pid)
    .map((task) => readFileSync(`/proc/${pid}/task/${task}/status`, 'utf8'))
    .reduce((sum, status) => sum + Number(/^voluntary_ctxt_switches:\s+(\d+)/m.exec(status)?.[1]), 0);

export function describeIdle(suite: IdleSuite): void {
  const { plane, watchedMs, cpuTicksLimit, residentLimitBytes, wakeUpsLimit = Infinity, needs = [] } = suite;

  describe(`an idle server (${plane})`, function () {
    this.timeout(SUITE_TIMEOUT_MS);
    const scope = new Scope();
    let tunnel: NatTunnel;

    for (const need of needs) before(need);
    before(async function () {
      this.timeout(SUITE_TIMEOUT_MS);
      const args = ['--data-plane', plane];
      // Devices with IPv6 have a kernel that speaks up by itself.
      tunnel = await natTunnel(
        scope,
        { args: [...args, '--tunl-ip6', 'fd00:5::1'] },
        { args: [...args, '--tunl-ip6', 'fd00:5::2'] },
      );
    });
    after(() => scope.close());

    it(`stays below ${residentLimitBytes / 1e6} MB resident and uses no CPU`, async () => {
      const { pid } = tunnel.server;
      const windows: { readonly ticks: number; readonly woken: number }[] = [];
      const isIdle = (): boolean =>
        windows.slice(-IN_A_ROW).every(({ ticks, woken }) => ticks <= cpuTicksLimit && woken <= wakeUpsLimit);
      const deadline = performance.now() + SETTLED_MS;
      do {
        // Nothing is awaited here: the time itself is what is watched.
        const before = { ticks: cpuTicks(pid), woken: wakeUps(pid) };
        await sleep(watchedMs);
        windows.push({ ticks: cpuTicks(pid) - before.ticks, woken: wakeUps(pid) - before.woken });
      } while (windows.length < IN_A_ROW || (!isIdle() && performance.now() < deadline));
      const resident = residentBytes(pid);
      const told = windows.map(({ ticks, woken }) => `${ticks * 10} (${woken} wake-ups)`).join(', ');
      console.log(
        `        idle server: ${Math.round(resident / 1e6)} MB resident, ms of CPU in ${watchedMs / 1000} s each: ${told}`,
      );
      assert.ok(isIdle(), told);
      assert.ok(resident <= residentLimitBytes, `${resident} bytes`);
    });
  });
}
