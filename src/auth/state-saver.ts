import { removeStateFile, writeStateFile } from './state-file.js';

/** How often a value that changes all the time is put on the disk. */
export const SAVE_INTERVAL_MS = 5000;
/** How long a file system may take to answer where somebody waits for it. */
export const FLUSH_LIMIT_MS = 5000;

export interface SaverOptions<T> {
  readonly path: string;
  /** `live`: the value itself, where `kept` only stands in for it. */
  readonly format: (kept: T, live: T | undefined) => string;
  /**
   * A value could not be written. The saver tries again when the interval is over, or with an urgent change. Until then
   * there is no file where it could be removed (`isGone`), or else an old one.
   */
  readonly onError: (error: Error, isGone: boolean) => void;
  /**
   * A value that may stand in the file for all that can follow within the interval, so that a crash of the machine in
   * between forgets nothing. `covers` says whether a written stand-in is still enough.
   */
  readonly standIn?: { readonly make: (value: T) => T; readonly covers: (written: T, value: T) => boolean };
  /** For tests; the process's own otherwise. */
  readonly timers?: SaverTimers;
  readonly disk?: StateDisk;
}

export interface SaverTimers {
  monotonicMs(): number;
  /** Calls back once; the returned function calls it off. */
  after(delayMs: number, callback: () => void): () => void;
}

export interface StateDisk {
  write(path: string, text: string, toDisk: boolean): Promise<void>;
  remove(path: string): Promise<void>;
}

interface Entry<T> {
  readonly kept: T;
  readonly live: T | undefined;
  readonly toDisk: boolean;
}

/**
 * Keeps a file up with a value. A change is put on the disk at once if the last time is an interval ago or the change is
 * urgent, and otherwise when the interval is over. Until then a stand-in is on the disk, for a crash of the machine, and
 * beside it the value itself at least in the kernel's hands, for a crash of this process alone:
 *
 *     change 1         change 2                      change 3       interval over
 *     1 to the disk    stand-in, and 2, to the disk  3 beside it    3 to the disk
 *
 * Writes never overlap; changes that come meanwhile are written as one. Nobody waits for them: a crash within the
 * milliseconds of a write forgets the change.
 */
export class StateSaver<T> {
  readonly #options: SaverOptions<T>;
  readonly #timers: SaverTimers;
  readonly #disk: StateDisk;
  /** What is to be on the disk when the interval is over; undefined when it is. */
  #due: { readonly value: T } | undefined;
  /** What is kept on the disk, or on its way there; undefined where nothing is. */
  #kept: { readonly value: T } | undefined;
  #next: Entry<T> | undefined;
  #lastExactMs = -Infinity;
  #callOff: (() => void) | undefined;
  #writing: Promise<void> = Promise.resolve();

  constructor(options: SaverOptions<T>) {
    this.#options = options;
    this.#timers = options.timers ?? processTimers;
    this.#disk = options.disk ?? { write: writeStateFile, remove: removeStateFile };
  }

  changed(value: T, urgent = false): void {
    this.#due = { value };
    const waitMs = this.#lastExactMs + SAVE_INTERVAL_MS - this.#timers.monotonicMs();
    if (urgent || waitMs <= 0) {
      this.#saveDue();
      return;
    }
    this.#saveDueAfter(waitMs);
    const { standIn } = this.#options;
    if (standIn === undefined) return;
    const isCovered = this.#kept !== undefined && standIn.covers(this.#kept.value, value);
    const kept = isCovered ? (this.#kept?.value ?? value) : standIn.make(value);
    this.#put({ kept, live: value, toDisk: !isCovered });
  }

  /**
   * Puts on the disk what is still to be; resolves when it is there, or was reported: also that the file system does not
   * answer, which must not keep anybody from ending.
   */
  async flush(): Promise<void> {
    this.#saveDue();
    let callOff: (() => void) | undefined;
    const limit = new Promise<void>((resolve) => {
      callOff = this.#timers.after(FLUSH_LIMIT_MS, () => {
        this.#options.onError(new Error(`no answer from the file system for ${FLUSH_LIMIT_MS / 1000} s`), false);
        resolve();
      });
    });
    await Promise.race([this.#writing, limit]);
    callOff?.();
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
    this.#lastExactMs = this.#timers.monotonicMs();
    this.#put({ kept: value, live: undefined, toDisk: true });
  }

  #put(entry: Entry<T>): void {
    this.#kept = { value: entry.kept };
    const isFirst = this.#next === undefined;
    this.#next = { ...entry, toDisk: entry.toDisk || this.#next?.toDisk === true };
    if (!isFirst) return;
    this.#writing = this.#writing.then(async () => {
      const next = this.#next ?? entry;
      this.#next = undefined;
      const { path, format } = this.#options;
      try {
        await this.#disk.write(path, format(next.kept, next.live), next.toDisk);
      } catch (error) {
        await this.#failed(next, error instanceof Error ? error : new Error(String(error)));
      }
    });
  }

  /** An old file would have us forget what came since. */
  async #failed({ kept, live }: Entry<T>, error: Error): Promise<void> {
    const isGone = await this.#disk.remove(this.#options.path).then(
      () => true,
      () => false,
    );
    if (this.#next === undefined) {
      this.#kept = undefined;
      this.#due ??= { value: live ?? kept };
      this.#saveDueAfter(SAVE_INTERVAL_MS);
    }
    this.#options.onError(error, isGone);
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
