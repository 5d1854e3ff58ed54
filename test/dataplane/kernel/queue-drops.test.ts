import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { QueueDropWatch, type QueueDrops } from '../../../src/dataplane/kernel/queue-drops.js';

describe('losses of the packet queue', () => {
  let counts: QueueDrops = { queueDropped: 0, userDropped: 0 };
  const set = (queueDropped: number, userDropped: number): void => {
    counts = { queueDropped, userDropped };
  };
  const watched = (): { watch: QueueDropWatch; told: QueueDrops[] } => {
    const told: QueueDrops[] = [];
    return {
      watch: new QueueDropWatch(
        () => counts,
        (drops) => told.push(drops),
      ),
      told,
    };
  };

  it('are told as what is new since the last time, and only if there is any', () => {
    const { watch, told } = watched();
    for (const [queue, user] of [
      [0, 0],
      [3, 0],
      [3, 0],
      [5, 7],
    ] as const) {
      set(queue, user);
      watch.check();
    }
    assert.deepEqual(told, [
      { queueDropped: 3, userDropped: 0 },
      { queueDropped: 2, userDropped: 7 },
    ]);
  });

  it('are counted right when the kernel’s 32 bits run over', () => {
    const { watch, told } = watched();
    set(0xffff_fffe, 0);
    watch.check();
    set(3, 0);
    watch.check();
    assert.deepEqual(told[1], { queueDropped: 5, userDropped: 0 });
  });

  it('are looked for a while after packets came, once for all of them', async () => {
    set(0, 0);
    const drops = await new Promise<QueueDrops>((resolve) => {
      const watch = new QueueDropWatch(() => counts, resolve);
      // Keeps the process up, as the queue's socket does.
      const awake = setInterval(() => undefined, 1000);
      for (let packet = 0; packet < 100; packet++) watch.checkSoon();
      set(9, 0);
      setTimeout(() => {
        clearInterval(awake);
      }, 1500);
    });
    assert.deepEqual(drops, { queueDropped: 9, userDropped: 0 });
  });
});
