import type { Logger } from '../log/index.js';

const SETTLE_MS = 1100;

/** Calls back once, after that many milliseconds, unless cancelled; keeps no process alive. */
export type Later = (callback: () => void, ms: number) => { cancel: () => void };

const later: Later = (callback, ms) => {
  const timer = setTimeout(callback, ms).unref();
  return {
    cancel: () => {
      clearTimeout(timer);
    },
  };
};

/** Has the log account for held-back lines when a burst is over; without a burst there is no timer to wake us. */
export class HeldBack {
  private readonly log: Logger;
  private readonly later: Later;
  private account: { cancel: () => void } | undefined;

  constructor(log: Logger, timer: Later = later) {
    this.log = log;
    this.later = timer;
    log.onHeldBack(() => {
      this.accountSoon();
    });
  }

  /** Accounts for everything, on the way out. */
  close(): void {
    this.account?.cancel();
    this.log.flushLimited('all');
  }

  private accountSoon(): void {
    this.account ??= this.later(() => {
      this.account = undefined;
      // The timer may have started long before the second that it finds still open.
      if (this.log.flushLimited('ended')) this.accountSoon();
    }, SETTLE_MS);
  }
}
