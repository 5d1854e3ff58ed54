/**
 * What was made in the kernel and others may change too: work on it is done one piece at a time, and what others did is
 * looked at when they have calmed down, at a pace that no quarrel can drive up.
 */
import { afterRepair, QUIET_PACE, repairWaitMs } from '../dataplane/common/repair-pace.js';

/** A change of others comes as a handful of events. */
const SETTLE_MS = 50;

export interface TableUpkeepOptions {
  /** Looks, and mends what is not as it should be. Resolves with whether there was anything. */
  readonly mend: () => Promise<boolean>;
  /** Of a look, or of work that nobody waits for; there will be another look. */
  readonly onError: (error: unknown) => void;
}

export class TableUpkeep {
  private readonly options: TableUpkeepOptions;
  private timer: NodeJS.Timeout | undefined;
  private pace = QUIET_PACE;
  private isOver = false;
  private tail: Promise<void> = Promise.resolve();

  constructor(options: TableUpkeepOptions) {
    this.options = options;
  }

  /** Does the work when all before it is done, whatever became of that. */
  async inTurn(work: () => Promise<void>): Promise<void> {
    const turn = this.tail.catch(() => undefined).then(work);
    this.tail = turn;
    await turn;
  }

  /** The same where nobody waits for it. */
  start(work: () => Promise<void>): void {
    this.inTurn(work).catch((error: unknown) => {
      this.fail(error);
    });
  }

  lookSoon(afterMs = SETTLE_MS): void {
    if (this.isOver || this.timer !== undefined) return;
    this.timer = setTimeout(
      () => {
        this.timer = undefined;
        this.start(() => this.look());
      },
      Math.max(afterMs, repairWaitMs(this.pace, performance.now())),
    );
  }

  /** No look is begun any more. */
  end(): void {
    this.isOver = true;
    clearTimeout(this.timer);
  }

  /** Resolves when the work that was begun is done. */
  async settled(): Promise<void> {
    await this.tail.catch(() => undefined);
  }

  private async look(): Promise<void> {
    if (!this.isOver && (await this.options.mend())) this.pace = afterRepair(this.pace, performance.now());
  }

  private fail(error: unknown): void {
    this.options.onError(error);
    this.pace = afterRepair(this.pace, performance.now());
    this.lookSoon();
  }
}
