import type { Say } from '../egress/say.js';
import type { Logger } from '../log/index.js';

/** Changes of the system are details; the words for them are put together where somebody reads them. */
export const sayChanges =
  (log: Logger): Say =>
  (line) => {
    if (log.shows('DEBUG')) log.debug(line());
  };
