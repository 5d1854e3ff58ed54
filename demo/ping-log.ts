/** Pings that never stop, and what became of them from one moment to the next. */
import {
  startPing,
  waitUntil,
  type Namespace,
  type Pinging,
  type PingResult,
  type Scope,
} from '../test/lab/support/index.js';

export class PingLog {
  readonly #pinging: Pinging;

  private constructor(pinging: Pinging) {
    this.#pinging = pinging;
  }

  static start(scope: Scope, ns: Namespace, to: string, intervalMs: number): PingLog {
    return new PingLog(startPing(scope, ns, to, { intervalMs }));
  }

  /** The highest sequence number that has been answered; 0 before the first. */
  get newest(): number {
    return this.#pinging.received.reduce((highest, sequence) => Math.max(highest, sequence), 0);
  }

  /** Waits for that many answers to pings later than `mark`. */
  async answers(count: number, mark: number): Promise<void> {
    await waitUntil(() => this.#pinging.received.filter((sequence) => sequence > mark).length >= count, {
      what: `${count} answered pings`,
    });
  }

  /** Pings later than `mark` that went unanswered while later ones were answered. */
  lostSince(mark: number): number {
    const { newest } = this;
    const answered = new Set(this.#pinging.received.filter((sequence) => sequence > mark));
    return Math.max(0, newest - mark - answered.size);
  }

  stop(): Promise<PingResult> {
    return this.#pinging.stop();
  }
}

/** `1 ping lost`, `no ping lost`, `7 pings lost`. */
export const lostWords = (count: number): string =>
  count === 0 ? 'no ping lost' : `${count} ping${count === 1 ? '' : 's'} lost`;
