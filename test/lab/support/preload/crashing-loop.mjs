// Loaded into a daemon before its own code: SIGWINCH ends the thread that carries packets, as a crash of it would.
import { isMainThread } from 'node:worker_threads';

if (isMainThread) {
  /** @type {import('node:worker_threads').Worker[]} */
  const workers = [];
  process.on('worker', (worker) => workers.push(worker));
  process.on('SIGWINCH', () => {
    void workers.at(-1)?.terminate();
  });
}
