import { writeStateFile } from './state-file.js';

/** How often a value that changes all the time is written. */
export const SAVE_INTERVAL_MS = 5000;

export interface SaverOptions<T> {
  readonly path: string;
  readonly format: (value: T) => string;
  /** A value could not be written. The saver tries again when the interval is over, or with an urgent change. */
  readonly onError: (error: Error) => void;
  /**
   * A value that may stand in the file for all that can follow within the interval, so that a crash in between forgets
   * nothing. `covers` says whether a written stand-in is still enough.
   */
  readonly standIn?: { readonly make: (value: T) => T; readonly covers: (written: T, value: T) => boolean };
  /** For tests; the process's own otherwise. */
  readonly timers?: SaverTimers;
  readonly write?: (path: string, text: string) => Promise<void>;
}

export interface SaverTimers {
  monotonicMs(): number;
  /** Calls back once; the returned function calls it off. */
  after(delayMs: number, callback: () => void): () => void;
}

/**
 * Keeps a file up with a value: a change is written at once if the last write is an interval ago or the change is
 * urgent, and otherwise when the interval is over. Writes never overlap; changes that come meanwhile are written as one.
 * Nobody waits for the disk: a crash within the milliseconds of a write forgets the change.
 */
export class StateSaver<T> {
  readonly #options: SaverOptions<T>;
  readonly #timers: SaverTimers;
  readonly #write: (path: string, text: string) => Promise<void>;
  /** What the file must hold soon; undefined when it does. */
  #due: { readonly value: T } | undefined;
  #written: T | undefined;
  #lastWriteMs = -Infinity;
  #callOff: (() => void) | undefined;
  #writing: Promise<void> = Promise.resolve();

  constructor(options: SaverOptions<T>) {
    this.#options = options;
    this.#timers = options.timers ?? processTimers;
    this.#write = options.write ?? writeStateFile;
  }

  changed(value: T, urgent = false): void {
    this.#due = { value };
    const waitMs = this.#lastWriteMs + SAVE_INTERVAL_MS - this.#timers.monotonicMs();
    if (urgent || waitMs <= 0) {
      this.#saveDue();
      return;
    }
    this.#saveDueAfter(waitMs);
    const { standIn } = this.#options;
    if (standIn === undefined || (this.#written !== undefined && standIn.covers(this.#written, value))) return;
    this.#save(standIn.make(value), false);
  }

  /** Writes what is still to be written; resolves when it is on the disk or was reported. */
  async flush(): Promise<void> {
    this.#saveDue();
    await this.#writing;
  }

  #saveDueAfter(waitMs: number): void {
    this.#callOff ??= this.#timers.after(waitMs, () => {
      this.#callOff = undefined;
      this.#saveDue();
    });
  }

  #saveDue(): void {
    this.#callOff?.();
    this.#callOff = undefined;
    if (this.#due === undefined) return;
    const { value } = this.#due;
    this.#due = undefined;
    this.#save(value, true);
  }

  #save(value: T, exact: boolean): void {
    if (exact) this.#lastWriteMs = this.#timers.monotonicMs();
    this.#written = value;
    this.#writing = this.#writing.then(async () => {
      // A later save is queued behind this one and makes it needless.
      if (this.#written !== value) return;
      try {
        await this.#write(this.#options.path, this.#options.format(value));
      } catch (error) {
        this.#failed(value, exact, error instanceof Error ? error : new Error(String(error)));
      }
    });
  }

  #failed(value: T, exact: boolean, error: Error): void {
    if (this.#written === value) {
      this.#written = undefined;
      if (exact) {
        this.#due ??= { value };
        this.#saveDueAfter(SAVE_INTERVAL_MS);
      }
    }
    this.#options.onError(error);
  }
}

const processTimers: SaverTimers = {
  monotonicMs: () => performance.now(),
  after: (delayMs, callback) => {
    // Waiting to write is no reason to stay alive: whoever stops calls flush().
    const timer = setTimeout(callback, delayMs).unref();
    return () => {
      clearTimeout(timer);
    };
  },
};
