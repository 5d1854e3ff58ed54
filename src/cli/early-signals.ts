/**
 * Signals that must not end a process which is to be a daemon, ignored from here on; a daemon's own handlers
 * (daemon/signals.ts) come beside. By default SIGHUP and SIGUSR2 end it, and SIGUSR1 opens Node.js's inspector, by which
 * any user of the host may have code run as this one. Those that ask it to stop are left alone: nothing is made yet that
 * would have to be removed.
 */
const ignore = (): void => undefined;

for (const signal of ['SIGHUP', 'SIGUSR1', 'SIGUSR2'] as const) process.on(signal, ignore);

/** A command that is no daemon ends with the terminal it was started from. */
export function endByHangUp(): void {
  // Also the launcher's, which has a copy of this module.
  process.removeAllListeners('SIGHUP');
}
