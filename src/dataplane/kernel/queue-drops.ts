/**
 * Notices that the packet queue has lost packets. The kernel counts them and says nothing, so the counts are looked at a
 * while after packets came: a queue that overflows has some that did come.
 */

/** As the kernel counts, since the queue was opened. */
export interface QueueDrops {
  /** Too many waited. */
  readonly queueDropped: number;
  /** We did not read in time. */
  readonly userDropped: number;
}

const SETTLE_MS = 1000;

export class QueueDropWatch {
  private readonly read: () => QueueDrops;
  private readonly onDrops: (drops: QueueDrops) => void;
  private known: QueueDrops = { queueDropped: 0, userDropped: 0 };
  private timer: NodeJS.Timeout | undefined;

  /** `onDrops` is told how many there were since it was last told. */
  constructor(read: () => QueueDrops, onDrops: (drops: QueueDrops) => void) {
    this.read = read;
    this.onDrops = onDrops;
  }

  /** Packets have come. */
  checkSoon(): void {
    this.timer ??= setTimeout(() => {
      this.timer = undefined;
      this.check();
    }, SETTLE_MS).unref();
  }

  check(): void {
    const now = this.read();
    const { known } = this;
    this.known = now;
    const drops = {
      queueDropped: since(known.queueDropped, now.queueDropped),
      userDropped: since(known.userDropped, now.userDropped),
    };
    if (drops.queueDropped + drops.userDropped > 0) this.onDrops(drops);
  }

  close(): void {
    clearTimeout(this.timer);
  }
}

/** The kernel's counters have 32 bits. */
const since = (known: number, now: number): number => (now - known) >>> 0;
