// Judges a running guest by what it says: keeps the console's tail, sees kernel faults, silence and overtime.
import { performance } from 'node:perf_hooks';
import { clearInterval, setInterval } from 'node:timers';
import { StringDecoder } from 'node:string_decoder';

const TAIL_LINES = 60;
const FAULT = /Kernel panic|\bBUG: |\bOops: |general protection fault|UBSAN: |KASAN: /;

/** A byte stream as lines, the unfinished last one at the end of the stream. @param {(line: string) => void} onLine */
export function lineSplitter(onLine) {
  const decoder = new StringDecoder('utf8');
  let rest = '';
  return {
    /** @param {Buffer} chunk */
    push(chunk) {
      const lines = (rest + decoder.write(chunk)).split(/\r?\n/);
      rest = lines.pop() ?? '';
      lines.forEach(onLine);
    },
    end() {
      if (rest !== '') onLine(rest);
      rest = '';
    },
  };
}

/** The last lines of the kernel's console, and the first line that tells of a kernel fault. */
export class ConsoleWatch {
  /** @type {string[]} */
  tail = [];
  /** @type {string | undefined} */
  fault;

  /** @param {string} line */
  see(line) {
    this.tail.push(line);
    if (this.tail.length > TAIL_LINES) this.tail.shift();
    if (this.fault === undefined && FAULT.test(line)) this.fault = line.trim();
  }
}

/**
 * Calls back once when nothing was heard for too long, or when all of it takes too long.
 * @param {{ silenceMs: number, totalMs: number }} limits
 * @param {(reason: string) => void} onExpired
 */
export function startDeadlines(limits, onExpired) {
  const started = performance.now();
  let heard = started;
  const timer = setInterval(() => {
    const now = performance.now();
    if (now - heard > limits.silenceMs) expire(`no output for ${limits.silenceMs / 1000} s`);
    else if (now - started > limits.totalMs) expire(`not done after ${limits.totalMs / 1000} s`);
  }, 500);
  const expire = (/** @type {string} */ reason) => {
    clearInterval(timer);
    onExpired(reason);
  };
  return {
    heard: () => {
      heard = performance.now();
    },
    stop: () => {
      clearInterval(timer);
    },
  };
}
