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
   * packet). What is held back is counted, and said with the reason's next line or by `flushLimited`.
   */
  limited(reason: string, level: Level, message: () => string): void;
  /**
   * Says how much was held back in the seconds that are over (about once a second), or at all (on the way out).
   * Whether some is still held back, because its second is not over.
   */
  flushLimited(which: 'ended' | 'all'): boolean;
}

export const SYSTEM_EDGE: LogEdge = {
  write: (line) => process.stderr.write(line),
  now: () => new Date(),
  monotonicMs: () => performance.now(),
  pid: process.pid,
};

export function createLogger(options: LoggerOptions, edge: LogEdge = SYSTEM_EDGE): Logger {
  let limiter = EMPTY_LIMITER;

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
    for (const { reason, level, count } of due) log(level, `${reason}: ${count} more log lines held back`);
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
      const verdict = takeLine(limiter, reason, level, edge.monotonicMs());
      limiter = verdict.state;
      if (verdict.kind === 'hold') return;
      log(level, verdict.heldBack === 0 ? message() : `${message()} (and ${verdict.heldBack} more like it, held back)`);
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
  };
}
