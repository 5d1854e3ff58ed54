import type { ServerConfig } from '../../config/index.js';
import type { Logger } from '../../log/index.js';

/** The server's daemon, loaded only when it runs: printing a help text needs no native libraries. */
export async function server(config: ServerConfig, logger: Logger): Promise<number> {
  const { runServer } = await import('../../daemon/index.js');
  return runServer(config, logger);
}
