/** How often the threads of both daemons wake up while nothing happens. */
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { pairTopology, Scope, type Running } from '../../../test/lab/support/index.js';
import type { Figure } from '../../report.js';
import { rows } from '../../statistics.js';
import { bringUp } from './tunnels.js';

const WATCHED_MS = 10_000;
/** V8 tidies up after a start for a while. */
const STRETCHES = 6;

export async function idleWakeUps(): Promise<Figure> {
  const scope = new Scope();
  try {
    const daemons = await bringUp(scope, await pairTopology(scope), 'ours');
    let wakeUps = NaN;
    for (let stretch = 0; stretch < STRETCHES && wakeUps !== 0; stretch++) {
      const before = switches(daemons);
      await sleep(WATCHED_MS);
      wakeUps = switches(daemons) - before;
    }
    return {
      title: `Wake-ups of both daemons in ${WATCHED_MS / 1000} s, idle`,
      unit: '',
      better: 'lower',
      rows: rows(new Map([['ours', [wakeUps]]])),
    };
  } finally {
    await scope.close();
  }
}

/** Of all their threads, since they began (proc(5)). */
const switches = (daemons: readonly Running[]): number =>
  daemons
    .flatMap(({ pid }) => readdirSync(`/proc/${pid}/task`).map((thread) => `/proc/${pid}/task/${thread}/status`))
    .flatMap((path) => [...readFileSync(path, 'utf8').matchAll(/^(?:non)?voluntary_ctxt_switches:\s+(\d+)$/gm)])
    .reduce((sum, [, count]) => sum + Number(count), 0);
