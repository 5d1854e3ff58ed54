/**
 * Counts what was refused, by reason: the log hears of each reason about once a second, and of the sums on the way out.
 * Those also have what never came to a decision: what rules of the kernel dropped (by the rule's comment, in quotation
 * marks), what was lost in a queue.
 */
import { formatEndpoint, type AnswerDropReason, type DropReason, type Endpoint } from '../core/index.js';
import type { Logger } from '../log/index.js';

export type RefusalReason = DropReason | AnswerDropReason;

/** What an administrator would want to know of reasons that an honest peer can run into. */
const HINTS: Partial<Record<RefusalReason, string>> = {
  older: "signed before the newest packet accepted, or before our start: is the sender's clock behind?",
  clock: 'signed more than a day ahead of our clock: is one of the two clocks wrong?',
  discrepancy: 'signed too far from our clock: is one of the two clocks wrong?',
};

export class Refusals {
  private readonly log: Logger;
  private readonly counts = new Map<string, number>();

  constructor(log: Logger) {
    this.log = log;
  }

  count(reason: RefusalReason, from: Endpoint): void {
    this.add(reason, 1);
    this.log.limited(reason, 'INFO', () => {
      const hint = HINTS[reason];
      return `refused a packet from ${formatEndpoint(from)}: ${reason}${hint === undefined ? '' : ` (${hint})`}`;
    });
  }

  /** By reason, since the start. */
  get totals(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.counts);
  }

  /** Counts what is logged elsewhere, or nowhere. */
  add(reason: string, count: number): void {
    this.counts.set(reason, (this.counts.get(reason) ?? 0) + count);
  }

  /** Says the sums; nothing where nothing was refused. */
  sum(): void {
    if (this.counts.size === 0) return;
    const parts = [...this.counts].sort(([a], [b]) => a.localeCompare(b)).map(([reason, n]) => `${n} ${reason}`);
    this.log.info(`packets refused since the start: ${parts.join(', ')}`);
  }
}
