/** What a client signed last, kept across restarts. */
import { describeStateFault, lastSignedSaver, loadLastSigned, type StateSaver } from '../auth/index.js';
import type { ClientConfig } from '../config/index.js';
import type { Logger } from '../log/index.js';
import { now } from './clock.js';
import { statePathsInUse } from './state-path.js';

/** What an earlier run signed last, and the file to keep that in; `tell` hears where that can't be known. */
export async function openState(
  path: string,
  log: Logger,
  tell: (said: string) => void = log.warn.bind(log),
): Promise<{ lastSigned: number | undefined; saver: StateSaver<number> }> {
  const loaded = await loadLastSigned(path, Math.max(0, Math.floor(now().unixMs / 1000)));
  if (!loaded.ok && loaded.fault.kind !== 'missing') {
    tell(`${path} ${describeStateFault(loaded.fault)}: signing by the clock alone`);
  }
  const saver = lastSignedSaver({
    path,
    onError: (error) => {
      log.limited('state file', 'WARN', () => {
        return `${path} cannot be written (${error.message}): after a restart with a clock set back the server would refuse us; correct --state-dir or its permissions`;
      });
    },
  });
  return { lastSigned: loaded.ok ? loaded.value : undefined, saver };
}

/**
 * The same for a command beside the daemon that the tunnel is of, whoever runs that and wherever it remembers: the newest
 * time of all files, which are kept alike. What can't be known is an error: the server may refuse what is signed then as
 * older, and nobody reads further logs of one command.
 */
export async function openSharedState(
  config: ClientConfig,
  log: Logger,
): Promise<{ lastSigned: number | undefined; saver: Pick<StateSaver<number>, 'changed' | 'flush'> }> {
  const paths = await statePathsInUse(config);
  const states = await Promise.all(paths.map((path) => openState(path, log, log.error.bind(log))));
  const known = states.flatMap(({ lastSigned }) => (lastSigned === undefined ? [] : [lastSigned]));
  return {
    lastSigned: known.length === 0 ? undefined : Math.max(...known),
    saver: {
      changed: (seconds, urgent) => {
        for (const { saver } of states) saver.changed(seconds, urgent);
      },
      flush: async () => {
        await Promise.all(states.map(({ saver }) => saver.flush()));
      },
    },
  };
}
