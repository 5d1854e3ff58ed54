// Loaded into a daemon before its own code: its wall clock is off by the milliseconds that a file holds, and steps when
// the file is rewritten. Monotonic clocks stay as they are, as when a clock is set.
import { readFileSync } from 'node:fs';

const file = process.env.LAB_CLOCK_FILE ?? '';
const trueNow = Date.now.bind(Date);
const offsetMs = () => Number(readFileSync(file, 'utf8'));

globalThis.Date = class extends Date {
  /** @param {any[]} args */
  constructor(...args) {
    // @ts-expect-error TypeScript spreads into no overloaded constructor
    super(...(args.length === 0 ? [trueNow() + offsetMs()] : args));
  }

  static now() {
    return trueNow() + offsetMs();
  }
};
