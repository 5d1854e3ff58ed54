import { describeInventory, sameInventory, takeInventory, type Inventory } from '../inventory.js';
import type { PingLog } from '../ping-log.js';
import type { Side, Stage } from '../stage.js';

/** The client first: a server that is stopped would leave it calling. */
const ORDER: readonly Side[] = ['client', 'server'];

export async function countPings(stage: Stage, pings: PingLog): Promise<void> {
  const { sent, received, lost, unanswered, duplicates } = await pings.stop();
  const more = [
    ...(unanswered > 0 ? [`${unanswered} under way when it ended`] : []),
    ...(duplicates > 0 ? [`${duplicates} answered twice`] : []),
  ];
  stage.screen.seen(
    [`${sent} pings sent, ${received.length - duplicates} answered, ${lost.length} lost`, ...more].join(', '),
  );
}

export async function stop(stage: Stage, before: Readonly<Record<Side, Inventory>>): Promise<void> {
  const { screen } = stage;
  for (const side of ORDER) {
    const daemon = stage.daemon(side);
    const mark = daemon.mark();
    screen.typed(side, `kill -TERM ${daemon.pid}`);
    const { code } = await daemon.kill('SIGTERM');
    await stage.hear(side, /SIGTERM: stopping/, mark);
    if (code !== 0) throw new Error(`the ${side} ended with exit code ${code ?? 'none'}`);
    const left = await takeInventory(stage.net[side]);
    screen.said(side, describeInventory(left));
    if (!sameInventory(left, before[side])) {
      throw new Error(
        `on the ${side} something is left; before the start there was:\n${describeInventory(before[side])}`,
      );
    }
    screen.seen(`the ${side} ended with exit code 0, and its host is as it was before`);
  }
}
