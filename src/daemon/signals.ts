/** Signals to the daemon: SIGTERM, SIGINT and SIGALRM stop it, SIGUSR1 re-authenticates a client, others must not end it. */
import type { Logger } from '../log/index.js';

export interface Signals {
  /** Resolves with the name of the first signal that asks to stop. */
  readonly stop: Promise<NodeJS.Signals>;
  /** What SIGUSR1 does from now on; until then, and on a server, it does nothing. */
  onReauthenticate(handler: () => void): void;
  /** Hands the signals back to the system's defaults. */
  release(): void;
}

export function listenToSignals(log: Logger): Signals {
  let reauthenticate = (): void => {
    log.info('SIGUSR1 ignored: there is nobody to authenticate to');
  };
  const installed: [NodeJS.Signals, () => void][] = [];
  const on = (signal: NodeJS.Signals, handler: () => void): void => {
    installed.push([signal, handler]);
    process.on(signal, handler);
  };
  const stop = new Promise<NodeJS.Signals>((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGALRM'] as const) {
      on(signal, () => {
        resolve(signal);
      });
    }
  });
  on('SIGUSR1', () => {
    reauthenticate();
  });
  for (const signal of ['SIGUSR2', 'SIGHUP'] as const) {
    on(signal, () => {
      log.info(`${signal} ignored`);
    });
  }
  return {
    stop,
    onReauthenticate: (handler) => {
      reauthenticate = handler;
    },
    release: () => {
      for (const [signal, handler] of installed) process.off(signal, handler);
    },
  };
}
