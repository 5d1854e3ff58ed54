import type { Logger } from './logger.js';

/**
 * Takes a change of the system as the command that would make the same one. Only asked to make the words where somebody
 * reads them.
 */
export type SayChange = (command: () => string) => void;

/** Changes of the system are details. */
export const sayChanges =
  (log: Logger): SayChange =>
  (command) => {
    if (log.shows('DEBUG')) log.debug(command());
  };
