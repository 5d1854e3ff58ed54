/**
 * The data plane that the kernel carries: an `ipip` link with FOU encapsulation, a FOU listener, and a ruleset that is
 * the only way between the wire and the link.
 *
 * Closed by construction. The link's own outer address is an internal one that no packet on the wire can have as its
 * destination (internal-device.ts); the ruleset rewrites it on the way in, for bound endpoints, and back on the way out
 * (ruleset/ruleset.ts). Without the ruleset nothing passes; without the daemon what is bound goes on.
 *
 * What is made carries our mark (mark.ts). Start takes over what is marked (start.ts), stop removes it, and nothing else
 * is touched. In between upkeep.ts repairs it.
 */
import type { Endpoint } from '../../core/endpoint.js';
import { sayChanges, type Logger } from '../../log/index.js';
import { FouClient } from '../../netlink/fou/client.js';
import { RouteClient } from '../../netlink/route/client.js';
import type { AdoptedPeer, DataPlane, DataPlaneHandlers } from '../index.js';
import { announceFou, announceRoutes } from '../common/announce.js';
import { requireCapabilities } from '../common/capabilities.js';
import { messageOf, PlaneError } from '../common/errors.js';
import type { IngressFilter } from './filter.js';
import { InternalDevice } from './internal-device.js';
import { removeListener } from './listener.js';
import { OuterFollower } from '../common/outer-follower.js';
import { followOuter } from './follow-outer.js';
import { pointAgain } from './point-again.js';
import type { KernelPlaneSettings } from './settings.js';
import { bringUp, type PlaneParts, type Running, type Undo } from './start.js';
import type { Tunnel } from './tunnel.js';

export class KernelPlane implements DataPlane {
  private readonly parts: PlaneParts;
  private running: Running | undefined;

  /** Throws PlaneError where the process lacks the rights for it. */
  constructor(settings: KernelPlaneSettings, handlers: DataPlaneHandlers, log: Logger) {
    requireCapabilities(['CAP_NET_ADMIN', 'CAP_NET_RAW']);
    const mark = { number: settings.number, port: settings.outer.port };
    const announce = sayChanges(log);
    const route = announceRoutes(RouteClient.open(), announce);
    const fou = announceFou(FouClient.open(), announce);
    const internal = new InternalDevice(route, mark, settings.internalAddress);
    const outer = new OuterFollower(route, settings.outer, log, (address) => {
      handlers.onOuterAddress(address);
    });
    this.parts = { settings, handlers, log, mark, announce, route, fou, internal, outer };
  }

  /** Rejects with PlaneError; what was made until then is removed, what was there before stays. */
  async start(): Promise<readonly AdoptedPeer[]> {
    const undo: Undo = [];
    try {
      const { running, adopted } = await bringUp(this.parts, undo);
      this.running = running;
      return adopted;
    } catch (error) {
      for (const step of undo.reverse()) {
        try {
          await step();
        } catch (failure) {
          this.parts.log.warn(`after a failed start: ${messageOf(failure)}`);
        }
      }
      this.closeSockets();
      throw error;
    }
  }

  /** Where something of the tunnel was missing it is repaired first. */
  async point(peer: string, endpoint: Endpoint): Promise<void> {
    const { outer } = this.parts;
    if (this.running !== undefined) {
      const { address } = outer.side;
      await outer.aim(endpoint.address, followOuter(outer, this.running));
      // One of the listeners may be bound to the address that was.
      if (outer.side.address !== address) this.running.upkeep.soon(['listener']);
    }
    const repair = async (): Promise<boolean> => {
      await this.running?.upkeep.now();
      return this.running !== undefined;
    };
    await pointAgain(this.tunnelOf(peer), endpoint, repair, this.parts.log);
  }

  async refresh(peer: string, endpoint: Endpoint): Promise<void> {
    await this.tunnelOf(peer).refresh(endpoint);
  }

  sendAuth(to: Endpoint, payload: Buffer): void {
    const { authPort } = this.assertRunning();
    const { mark, outer } = this.parts;
    authPort.send({ address: outer.path.address, port: mark.port }, to, payload);
  }

  async dropped(): Promise<ReadonlyMap<string, number>> {
    return await this.droppedBy(this.assertRunning().filter);
  }

  /** Rejects with PlaneError where something could not be removed; the rest is removed all the same. */
  async stop(): Promise<void> {
    const { authPort, filter, tunnel, upkeep, lock } = this.assertRunning();
    const { fou, mark, internal } = this.parts;
    this.running = undefined;
    await upkeep.close();
    authPort.close();
    const failures: string[] = [];
    const steps = [
      () => tunnel.remove(),
      () => removeListener(fou, { port: mark.port, internal: internal.address }),
      () => this.tellDropped(filter),
      () => filter.remove(),
      () => internal.remove(),
    ];
    for (const step of steps) {
      await step().catch((error: unknown) => {
        failures.push(messageOf(error));
      });
    }
    filter.close();
    this.closeSockets();
    // Last: whoever starts the tunnel now finds nothing half removed.
    lock.release();
    if (failures.length > 0) throw new PlaneError('cleanup', failures.join('; '));
  }

  private async tellDropped(filter: IngressFilter): Promise<void> {
    for (const [rule, count] of await this.droppedBy(filter)) this.parts.handlers.onRefused(rule, count);
  }

  /** By the comments of the rules, in quotation marks; empty where they don't count, or somebody has flushed them. */
  private async droppedBy(filter: IngressFilter): Promise<ReadonlyMap<string, number>> {
    try {
      return new Map([...(await filter.dropped())].map(([rule, count]) => [`"${rule}"`, count]));
    } catch (error) {
      this.parts.log.debug(`what the rules have dropped is not known: ${messageOf(error)}`);
      return new Map();
    }
  }

  private tunnelOf(peer: string): Tunnel {
    const { tunnel } = this.assertRunning();
    if (tunnel.settings.peer !== peer) throw new Error(`no such peer: ${peer}`);
    return tunnel;
  }

  private assertRunning(): Running {
    if (this.running === undefined) throw new Error('the kernel data plane is not running');
    return this.running;
  }

  private closeSockets(): void {
    this.parts.route.close();
    this.parts.fou.close();
  }
}
