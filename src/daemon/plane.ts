/** The data plane for a configuration. */
import { answerSchemes } from '../core/index.js';
import type { ClientConfig, ServerConfig } from '../config/index.js';
import { AutoPlane, type PlaneChoice } from '../dataplane/auto-plane.js';
import type { DataPlane, DataPlaneHandlers } from '../dataplane/index.js';
import { KernelPlane } from '../dataplane/kernel/kernel-plane.js';
import type { KernelPlaneSettings } from '../dataplane/kernel/settings.js';
import type { UserspacePlaneSettings } from '../dataplane/userspace/settings.js';
import { UserspacePlane } from '../dataplane/userspace/userspace-plane.js';
import type { Logger } from '../log/index.js';
import { DaemonError } from './errors.js';

/** The one peer of the tunnel, by the name that the plane and the decisions share. */
export const peerName = (config: ClientConfig | ServerConfig): string => config.tunlDev;

export function makePlane(
  config: ClientConfig | ServerConfig,
  /** The server's address, on a client. */
  towards: string | undefined,
  handlers: DataPlaneHandlers,
  log: Logger,
): DataPlane {
  const settings = commonSettings(config, towards, handlers);
  const kernel = (mayBeOpen: boolean) => (): DataPlane =>
    new KernelPlane({ ...settings, ...kernelSettings(config), mayBeOpen }, handlers, log);
  const userspace = (): DataPlane => new UserspacePlane(settings, handlers, log);
  // A server without filter and queue would let in anyone, and hear nobody; a client works, as the Python tool does.
  // With IPv6 in the tunnel a listener takes packets of any protocol, so there it must have the filter in front of it.
  const mayBeOpen = config.mode === 'client' && config.inner6 === undefined;
  const choices: Readonly<Record<typeof config.dataPlane, readonly PlaneChoice[]>> = {
    kernel: [{ name: 'kernel', make: kernel(mayBeOpen) }],
    userspace: [{ name: 'userspace', make: userspace }],
    auto: [
      { name: 'kernel', make: kernel(false) },
      { name: 'userspace', make: userspace },
      ...(mayBeOpen ? [{ name: 'kernel, without a filter', make: kernel(true) }] : []),
    ],
  };
  return new AutoPlane(choices[config.dataPlane], log);
}

function commonSettings(
  config: ClientConfig | ServerConfig,
  towards: string | undefined,
  { beforeUp }: DataPlaneHandlers,
): UserspacePlaneSettings {
  return {
    number: config.number,
    queueLength: config.queueLength,
    ...(config.authPacketTtl !== undefined && { authTtl: config.authPacketTtl }),
    outer: {
      port: config.fouLocalPort,
      ...(config.fouLocalIp !== undefined && { address: config.fouLocalIp }),
      ...(config.fouDev !== undefined && { device: config.fouDev }),
      ...(towards !== undefined && { towards }),
    },
    kernel: { table: config.nftTable, queueNumber: config.queueNumber },
    schemes: config.mode === 'server' ? [config.auth] : answerSchemes(config.auth),
    tunnel: {
      peer: peerName(config),
      device: config.tunlDev,
      address: config.tunlIp,
      peerAddress: config.tunlPeerIp,
      ...(config.inner6 !== undefined && { inner6: config.inner6 }),
      routes: config.routes,
      lifetimeSeconds: config.mode === 'server' ? config.lifetimeSeconds : 0,
      udpChecksum: config.udpChecksum,
      ...(config.tunlMtu !== undefined && { mtu: config.tunlMtu }),
      ...(beforeUp !== undefined && { beforeUp }),
    },
  };
}

const kernelSettings = (
  config: ClientConfig | ServerConfig,
): Pick<KernelPlaneSettings, 'table' | 'queueNumber' | 'counters' | 'internalAddress'> => ({
  table: config.nftTable,
  queueNumber: config.queueNumber,
  counters: config.nftCounters,
  internalAddress: config.fouLocalIpAlt,
});

/** Stops the plane; what could not be removed is said with the exit code for it. */
export async function stopPlane(plane: DataPlane): Promise<void> {
  try {
    await plane.stop();
  } catch (error) {
    throw error instanceof Error ? new DaemonError('cleanup', error.message, { cause: error }) : error;
  }
}
