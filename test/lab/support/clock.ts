import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Scope } from './scope.js';
import { preload } from './preload.js';
import { stateDir } from './tunnel.js';

/** A wall clock for one daemon, to be set at will. */
export class ShiftedClock {
  readonly #file: string;

  constructor(file: string) {
    this.#file = file;
    this.set(0);
  }

  /** What a daemon is started with to have this clock. */
  get env(): NodeJS.ProcessEnv {
    return { ...preload('shifted-clock'), LAB_CLOCK_FILE: this.#file };
  }

  /** Seconds off the true time from now on. */
  set(offsetSeconds: number): void {
    writeFileSync(this.#file, String(offsetSeconds * 1000));
  }
}

export const shiftedClock = (scope: Scope): ShiftedClock => new ShiftedClock(join(stateDir(scope), 'offset'));
