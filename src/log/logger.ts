import { formatLine, type LineParts } from './format.js';
import { isShown, type Level } from './levels.js';
import { EMPTY_LIMITER, endWindows, heldBack, takeLine, type HeldBack } from './limiter.js';

export interface LoggerOptions {
  readonly verbosity: number;
  readonly showTime: boolean;
  readonly showPid: boolean;
}

/** Where the lines go and what they are stamped with. */
export interface LogEdge {
  /** Takes one line, its line feed included. */
  readonly write: (line: string) => void;
  readonly now: () => Date;
  /** Milliseconds that no clock change moves. */
  readonly monotonicMs: () => number;
  readonly pid: number;
}

export interface Logger {
  readonly verbosity: number;
  fatal(message: string): void;
  error(message: string): void;
  warn(message: string): void;
  info(message: string): void;
  debug(message: string): void;
  /** Whether a line of that level would be written: ask before building a costly message. */
  shows(level: Level): boolean;
  /**
   * For what traffic can trigger: at most one line a second for each `reason` (a fixed word, never text from a
   * packet). What is held back is counted with the reason's next line, or `flushLimited` writes the last of it.
   */
  limited(reason: string, level: Level, message: () => string): void;
  /**
   * Writes the last of what was held back in the seconds that are over (about once a second), or at all (on the way out).
   * Whether some is still held back, because its second is not over.
   */
  flushLimited(which: 'ended' | 'all'): boolean;
  /** Calls back at each line that is held back, whoever has it written, so that it can be flushed in time. */
  onHeldBack(listener: () => void): void;
}

export const SYSTEM_EDGE: LogEdge = {
  write: (line) => process.stderr.write(line),
  now: () => new Date(),
  monotonicMs: () => performance.now(),
  pid: process.pid,
};

export function createLogger(options: LoggerOptions, edge: LogEdge = SYSTEM_EDGE): Logger {
  let limiter = EMPTY_LIMITER;
  let heldBackListener: (() => void) | undefined;

  const shows = (level: Level): boolean => isShown(level, options.verbosity);

  function log(level: Level, message: string): void {
    if (!shows(level)) return;
    const parts: LineParts = {
      level,
      ...(options.showTime ? { time: edge.now() } : {}),
      ...(options.showPid ? { pid: edge.pid } : {}),
    };
    for (const line of message.split('\n')) edge.write(`${formatLine(parts, line)}\n`);
  }

  function report(due: readonly HeldBack[]): void {
    for (const { last, count } of due) log(last.level, withCount(last.message(), count - 1));
  }

  return {
    verbosity: options.verbosity,
    fatal: (message) => {
      log('FATAL', message);
    },
    error: (message) => {
      log('ERROR', message);
    },
    warn: (message) => {
      log('WARN', message);
    },
    info: (message) => {
      log('INFO', message);
    },
    debug: (message) => {
      log('DEBUG', message);
    },
    shows,
    limited(reason, level, message) {
      // A line that nobody would see spends no budget and counts as nothing held back.
      if (!shows(level)) return;
      const verdict = takeLine(limiter, reason, { level, message }, edge.monotonicMs());
      limiter = verdict.state;
      if (verdict.kind === 'hold') heldBackListener?.();
      else log(level, withCount(message(), verdict.heldBack));
    },
    flushLimited(which) {
      if (which === 'all') {
        report(heldBack(limiter));
        limiter = EMPTY_LIMITER;
        return false;
      }
      const { state, due } = endWindows(limiter, edge.monotonicMs());
      limiter = state;
      report(due);
      return heldBack(limiter).length > 0;
    },
    onHeldBack(listener) {
      heldBackListener = listener;
    },
  };
}

const withCount = (message: string, more: number): string =>
  more === 0 ? message : `${message} (and ${more} more like it, held back)`;
