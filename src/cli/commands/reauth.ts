import type { ClientConfig } from '../../config/index.js';
import type { Logger } from '../../log/index.js';

/** Sends one auth packet for a tunnel that another process, or a crashed one, set up. */
export async function reauth(config: ClientConfig, logger: Logger): Promise<number> {
  const { runReauth } = await import('../../daemon/index.js');
  return runReauth(config, logger);
}
