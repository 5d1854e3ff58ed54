/** The control socket of a running daemon. What it can be asked stands in README.md. */
import { join } from 'node:path';
import type { ClientConfig, ServerConfig } from '../config/index.js';
import { ControlServer, ControlSocketError, SOCKET_NAME, type Commands, type Fields } from '../control/index.js';
import type { Logger } from '../log/index.js';
import { messageOf } from './errors.js';

/**
 * Opens it, or says why there is none: a tunnel is of use without it. Called behind the data plane, which keeps a second
 * daemon of the same tunnel out.
 */
export async function openControl(
  config: ClientConfig | ServerConfig,
  commands: Commands,
  log: Logger,
): Promise<ControlServer | undefined> {
  const path = join(config.controlDir, SOCKET_NAME);
  try {
    const server = await ControlServer.open(path, commands);
    log.debug(`control socket: ${path}`);
    return server;
  } catch (error) {
    const said = error instanceof ControlSocketError ? error.message : `cannot be made (${messageOf(error)})`;
    log.warn(`the control socket ${path} ${said}: no command reaches this daemon; choose another with --control-dir`);
    return undefined;
  }
}

/** What either side says of itself. */
export const commonStatus = (config: ClientConfig | ServerConfig): Fields => ({
  mode: config.mode,
  number: config.number,
  device: config.tunlDev,
  address: config.tunlIp,
  peerAddress: config.tunlPeerIp,
  pid: process.pid,
  uptimeSeconds: Math.floor(process.uptime()),
});
