import type { ClientConfig } from '../../config/index.js';
import type { Logger } from '../../log/index.js';

/** The client's daemon, loaded only when it runs: printing a help text needs no native libraries. */
export async function client(config: ClientConfig, logger: Logger): Promise<number> {
  const { runClient } = await import('../../daemon/index.js');
  return runClient(config, logger);
}
