import { QueueTable } from '../../../src/netlink/queue/counters.js';
import type { Namespace } from './namespace.js';
import type { Scope } from './scope.js';
import { inside } from './inside.js';

/** The packet queue of a namespace's daemon, seen from outside: a test can send as fast as it takes packets. */
export class QueueView {
  readonly #table: QueueTable;
  readonly #number: number;

  constructor(table: QueueTable, number: number) {
    this.#table = table;
    this.#number = number;
  }

  get waiting(): number {
    return this.#table.find(this.#number)?.waiting ?? 0;
  }

  get lost(): number {
    const queue = this.#table.find(this.#number);
    return (queue?.queueDropped ?? 0) + (queue?.userDropped ?? 0);
  }

  /** Resolves when no packet waits for its verdict. */
  async empty(): Promise<void> {
    const deadline = performance.now() + 30_000;
    while (this.waiting > 0) {
      if (performance.now() > deadline) throw new Error(`packets wait in queue ${this.#number} for 30 s`);
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
}

export function queueView(scope: Scope, ns: Namespace, number = 0): QueueView {
  const table = inside(ns, () => QueueTable.open());
  scope.defer(() => {
    table.close();
    return undefined;
  });
  return new QueueView(table, number);
}
