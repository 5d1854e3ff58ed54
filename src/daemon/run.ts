/** The life of a daemon, from its start to the signal that stops it. */
import type { Logger } from '../log/index.js';
import { ServiceManager } from './service-manager.js';
import { listenToSignals, type Signals } from './signals.js';

export interface Daemon {
  stop(): Promise<void>;
}

/** The start was told to stop before there was anything to be removed. */
export class StartAborted extends Error {
  override readonly name = 'StartAborted';
}

export interface Life<D extends Daemon> {
  /** Rejects with StartAborted where it heeds `stopped`; what is past that point is brought to its end first. */
  readonly start: (manager: ServiceManager, stopped: AbortSignal) => Promise<D>;
  readonly onStarted?: (daemon: D, signals: Signals, manager: ServiceManager) => void;
}

/** Runs until SIGTERM, SIGINT or SIGALRM; resolves with exit code 0, rejects with what ends the program otherwise. */
export async function runUntilStopped<D extends Daemon>(log: Logger, life: Life<D>): Promise<number> {
  const signals = listenToSignals(log);
  const manager = ServiceManager.fromEnvironment(log, process.env);
  const stopped = new AbortController();
  void signals.stop.then(() => {
    stopped.abort();
  });
  try {
    const daemon = await life.start(manager, stopped.signal);
    life.onStarted?.(daemon, signals, manager);
    const reason = await signals.stop;
    log.info(`${reason}: stopping`);
    manager.stopping(reason);
    await daemon.stop();
    return 0;
  } catch (error) {
    if (!(error instanceof StartAborted)) throw error;
    log.info(`${await signals.stop}: stopped before the start was over`);
    return 0;
  } finally {
    signals.release();
  }
}

/** What the promise becomes, unless there is a stop first. */
export async function orStopped<T>(promise: Promise<T>, stopped: AbortSignal): Promise<T> {
  // Whoever loses the race may fail later, which is nobody's business then.
  promise.catch(() => undefined);
  return await new Promise<T>((resolve, reject) => {
    const abort = (): void => {
      reject(new StartAborted());
    };
    if (stopped.aborted) abort();
    stopped.addEventListener('abort', abort, { once: true });
    promise.then(resolve, reject).finally(() => {
      stopped.removeEventListener('abort', abort);
    });
  });
}
