import type { Endpoint } from '../../core/endpoint.js';
import type { Logger } from '../../log/index.js';
import { messageOf } from '../common/errors.js';
import type { Tunnel } from './tunnel.js';

/**
 * Points the tunnel; where that fails, something of it may be missing: it is repaired, and pointed once more. `repair`
 * tells whether there is still a tunnel to be pointed; without one the first failure stands.
 */
export async function pointAgain(
  tunnel: Pick<Tunnel, 'point'>,
  endpoint: Endpoint,
  repair: () => Promise<boolean>,
  log: Logger,
): Promise<void> {
  try {
    await tunnel.point(endpoint);
  } catch (error) {
    log.debug(`${messageOf(error)}: looking at what is there, then once more`);
    if (!(await repair())) throw error;
    await tunnel.point(endpoint);
  }
}
