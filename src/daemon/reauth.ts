/** `--reauth-only`: one auth packet for a tunnel that another process set up. */
import { randomBytes } from 'node:crypto';
import { RESERVED_SECONDS } from '../auth/index.js';
import type { ClientConfig } from '../config/index.js';
import { createClient, formatEndpoint, RANDOM_BYTES, stepClient } from '../core/index.js';
import { readDefaultTtl } from '../dataplane/common/default-ttl.js';
import { sendOneAuthPacket } from '../dataplane/kernel/send-once.js';
import type { Logger } from '../log/index.js';
import { openSharedState } from './client-state.js';
import { now } from './clock.js';
import { DaemonError, messageOf } from './errors.js';
import { resolveHost } from './resolve-host.js';

/** Resolves with exit code 0 when the packet is on its way; rejects with DaemonError (120) where it can't be sent. */
export async function runReauth(config: ClientConfig, log: Logger): Promise<number> {
  const server = { address: await resolveHost(config.remoteHost), port: config.remotePort };
  const { lastSigned, saver } = await openSharedState(config, log);
  // The file of a client that runs is ahead of what it has signed. What it signs next must not be older than ours.
  const nowSeconds = Math.floor(now().unixMs / 1000);
  const isAhead = lastSigned !== undefined && lastSigned > nowSeconds && lastSigned <= nowSeconds + RESERVED_SECONDS;
  const client = createClient({
    server,
    scheme: config.auth,
    keepaliveSeconds: 0,
    lastSignedSeconds: isAhead ? nowSeconds : lastSigned,
  });
  for (const action of stepClient(client, { kind: 'start' }, now(), randomBytes(RANDOM_BYTES)).actions) {
    if (action.kind === 'saveLastSigned' && !isAhead) saver.changed(action.unixSeconds, true);
    if (action.kind !== 'sendAuth') continue;
    try {
      const wish = {
        port: config.fouLocalPort,
        towards: server.address,
        ...(config.fouLocalIp !== undefined && { address: config.fouLocalIp }),
        ...(config.fouDev !== undefined && { device: config.fouDev }),
      };
      const ttl = config.authPacketTtl ?? readDefaultTtl(log.warn.bind(log));
      await sendOneAuthPacket(wish, action.to, action.payload, ttl);
    } catch (error) {
      throw new DaemonError('sendAuth', `the auth packet could not be sent: ${messageOf(error)}`, { cause: error });
    }
    log.info(`auth packet sent to ${formatEndpoint(action.to)}`);
  }
  await saver.flush();
  return 0;
}
