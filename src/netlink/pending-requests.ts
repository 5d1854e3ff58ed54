/** The requests under way on a socket, by the sequence numbers that their answers carry. */
import type { RequestSubject } from './errors.js';
import type { NetlinkMessage } from './message.js';
import { ReplyCollector, type Outcome } from './reply-collector.js';

const MAX_SEQUENCE = 0xffffffff;

export interface PendingRequest {
  readonly firstSequence: number;
  /** Settles with what became of it; never rejects. */
  readonly outcome: Promise<Outcome>;
  readonly end: (outcome: Outcome) => void;
}

export class PendingRequests {
  private readonly bySequence = new Map<number, { collector: ReplyCollector; end: (outcome: Outcome) => void }>();
  private lastSequence = 0;

  /** Starts to wait for the answers to messages that will carry consecutive sequence numbers. */
  add(subjects: readonly RequestSubject[], lastIndex: number, beginsBatch: boolean): PendingRequest {
    const firstSequence = this.reserve(subjects.length);
    const collector = new ReplyCollector({ firstSequence, subjects, lastIndex, beginsBatch });
    let settle: (outcome: Outcome) => void;
    const outcome = new Promise<Outcome>((resolve) => {
      settle = resolve;
    });
    const end = (how: Outcome): void => {
      subjects.forEach((_, index) => this.bySequence.delete(firstSequence + index));
      settle(how);
    };
    subjects.forEach((_, index) => this.bySequence.set(firstSequence + index, { collector, end }));
    return { firstSequence, outcome, end };
  }

  /** Takes an answer, where its request still waits. */
  take(message: NetlinkMessage): void {
    const request = this.bySequence.get(message.sequence);
    const outcome = request?.collector.take(message);
    if (outcome !== undefined) request?.end(outcome);
  }

  endAll(outcome: Outcome): void {
    for (const { end } of [...this.bySequence.values()]) end(outcome);
  }

  /** The first of so many numbers. Never 0, which unasked messages carry. */
  private reserve(count: number): number {
    if (this.lastSequence + count > MAX_SEQUENCE) this.lastSequence = 0;
    const first = this.lastSequence + 1;
    this.lastSequence += count;
    return first;
  }
}
