/**
 * The data plane that a thread of this process carries: a TUN device and a UDP socket, for hosts whose kernel has no FOU.
 * What is on the wire is the same as with the kernel plane.
 *
 * Closed by construction. Packets enter only by the packet loop, which lets them in from the bound endpoint, for its
 * lifetime, and with inner sources that are routed into the tunnel, or of IPv6 are named by the settings. The device
 * and the socket are this thread's, so a loop that dies takes nothing with it; where the process ends, they end.
 */
import { formatEndpoint, sameEndpoint, type Endpoint } from '../../core/endpoint.js';
import { sayChanges, type Logger, type SayChange } from '../../log/index.js';
import { RouteClient } from '../../netlink/route/client.js';
import { RouteMonitor, type RouteEvent } from '../../netlink/route/events.js';
import type { HeldName } from '../../sys/held-name.js';
import { announceRoutes, type Routes } from '../common/announce.js';
import { requireCapabilities } from '../common/capabilities.js';
import { messageOf } from '../common/errors.js';
import { ensureIpv6 } from '../common/ipv6-state.js';
import type { Mark } from '../common/mark.js';
import { OuterFollower, type Follow } from '../common/outer-follower.js';
import { Repairer } from '../common/repairer.js';
import { SettledLook } from '../common/settled-look.js';
import { mendAll } from '../common/step.js';
import { lockTunnel } from '../common/tunnel-lock.js';
import type { AdoptedPeer, DataPlane, DataPlaneHandlers } from '../index.js';
import { takeKernelRemains, type LeftBinding } from '../kernel/remains.js';
import { concernedParts, PARTS, type Part } from './concerned-parts.js';
import { MAX_RANGES, type LoopState, type Offloads } from './control-block.js';
import { drops, type Counters } from './counters.js';
import { fittingMtu, UNKNOWN_MTU, type FittingMtu } from './fitting-mtu.js';
import { allowedSources, coveredBy, type SourceRange } from './inner-sources.js';
import { inner6Sources } from './inner6-sources.js';
import { LoopThread } from './loop-thread.js';
import { OuterSocket } from './outer-socket.js';
import type { UserspacePlaneSettings } from './settings.js';
import { sharedMs } from './shared-clock.js';
import { requireDevices, TunDevice } from './tun-device.js';

/** A learnt path MTU is forgotten after ten minutes (net.ipv4.route.mtu_expires). */
const PATH_MTU_EXPIRY_MS = 610_000;
/** After a change of the outer side that could not be followed. */
const FOLLOW_AGAIN_MS = 5000;
/** Overruns are found with the next event; this is for the case that none follows. */
const OVERRUN_CHECK_MS = 60_000;

export class UserspacePlane implements DataPlane {
  private readonly settings: UserspacePlaneSettings;
  private readonly log: Logger;
  private readonly onRefused: DataPlaneHandlers['onRefused'];
  private readonly mark: Mark;
  private readonly announce: SayChange;
  private readonly route: Routes;
  private readonly device: TunDevice;
  private readonly loop: LoopThread;
  private readonly looks: SettledLook<Part>;
  private readonly repairer: Repairer<Part>;
  private readonly outer: OuterFollower;
  private monitor: RouteMonitor | undefined;
  private readonly socket: OuterSocket;
  private endpoint: Endpoint | undefined;
  private letInUntilMs = -Infinity;
  private fitted: FittingMtu = UNKNOWN_MTU;
  /** The loop complains of a packet that was too long once only, until it is told of a change. */
  private wasTooLong = false;
  private sources: readonly SourceRange[] = [];
  /** What the routes into the tunnel cover. */
  private covered: readonly SourceRange[] = [];
  private lock: HeldName | undefined;
  private isRunning = false;

  /** Throws PlaneError where the process lacks the rights for it, or the program is incomplete. */
  constructor(settings: UserspacePlaneSettings, handlers: DataPlaneHandlers, log: Logger) {
    requireCapabilities(['CAP_NET_ADMIN']);
    this.settings = settings;
    this.log = log;
    this.onRefused = (reason, count) => {
      handlers.onRefused(reason, count);
    };
    this.mark = { number: settings.number, port: settings.outer.port };
    this.announce = sayChanges(log);
    this.route = announceRoutes(RouteClient.open(), this.announce);
    this.outer = new OuterFollower(this.route, settings.outer, log, (address) => {
      handlers.onOuterAddress(address);
    });
    this.device = new TunDevice({
      route: this.route,
      settings: settings.tunnel,
      mark: this.mark,
      offloads: this.uses('tunHeader'),
      announce: this.announce,
    });
    this.socket = new OuterSocket({
      segmentation: this.uses('segmentation'),
      coalescing: this.uses('coalescing'),
    });
    this.loop = new LoopThread({
      schemes: settings.schemes,
      ipv6: inner6Sources(settings.tunnel),
      queueLength: settings.queueLength,
      monotonicMs: () => performance.now(),
      onAuthPacket: (packet) => {
        handlers.onAuthPacket(packet);
      },
      onDeviceLost: () => {
        this.looks.soon(['device', 'sources'], 0);
      },
      onTooLong: () => {
        this.wasTooLong = true;
        this.looks.soon(['path'], 0);
      },
      onNoSegmentation: (code) => {
        log.info(`the way to the peer takes no long messages (${code}): each packet is sent by itself from now on`);
      },
      onSegmentationPaused: (code) => {
        log.info(
          `a long message to the peer was refused (${code}): packets are sent singly until the way is known anew`,
        );
      },
      onDeath: (reason, waitMs) => {
        const when = waitMs === 0 ? 'starting another' : `starting another in ${Math.ceil(waitMs / 1000)} s`;
        log.error(`the packet loop ended (${reason}): ${when}`);
      },
    });
    this.repairer = new Repairer<Part>({
      log,
      monotonicMs: () => performance.now(),
      lookAgain: (part, afterMs) => {
        this.looks.later(part, afterMs);
      },
    });
    this.looks = new SettledLook<Part>({
      parts: PARTS,
      onLook: (parts) => this.look(parts),
      onError: (error) => {
        log.warn(messageOf(error));
      },
    });
  }

  /**
   * Rejects with PlaneError; what was made until then is removed. Of its own kind nothing is ever left to be taken over;
   * what a kernel plane left makes way, and its peer stays bound.
   */
  async start(): Promise<readonly AdoptedPeer[]> {
    ensureIpv6(this.settings.tunnel.inner6);
    let left: LeftBinding | undefined;
    try {
      left = await this.bringUp();
    } catch (error) {
      await this.takeDown();
      throw error;
    }
    this.isRunning = true;
    // What changed while all this was set up.
    this.looks.soon(PARTS);
    if (left === undefined) return [];
    const { device, peer } = this.settings.tunnel;
    this.log.info(`${device}: taken over, bound to ${formatEndpoint(left.endpoint)}`);
    return [{ peer, ...left }];
  }

  async point(peer: string, endpoint: Endpoint): Promise<void> {
    this.assertPeer(peer);
    await this.outer.aim(endpoint.address, this.followOuter);
    const { lifetimeSeconds } = this.settings.tunnel;
    this.endpoint = endpoint;
    this.letInUntilMs = lifetimeSeconds > 0 ? sharedMs() + lifetimeSeconds * 1000 : Infinity;
    await this.loop.apply(this.state());
    // Not waited for: packets pass already.
    this.followMtu().catch((error: unknown) => {
      this.log.warn(`the MTU of ${this.settings.tunnel.device} could not follow: ${messageOf(error)}`);
    });
  }

  async refresh(peer: string, endpoint: Endpoint): Promise<void> {
    this.assertPeer(peer);
    const { lifetimeSeconds } = this.settings.tunnel;
    if (lifetimeSeconds === 0 || this.endpoint === undefined || !sameEndpoint(this.endpoint, endpoint)) return;
    this.letInUntilMs = sharedMs() + lifetimeSeconds * 1000;
    await this.loop.apply(this.state());
  }

  sendAuth(to: Endpoint, payload: Buffer): void {
    this.socket.send(to, payload, this.settings.authTtl);
  }

  async dropped(): Promise<ReadonlyMap<string, number>> {
    return this.droppedOf(await this.loop.count(this.state()));
  }

  async stop(): Promise<void> {
    if (!this.isRunning) throw new Error('the userspace data plane is not running');
    this.isRunning = false;
    await this.takeDown();
    const { repairs } = this.repairer;
    if (repairs.size > 0) {
      const counts = [...repairs].map(([part, count]) => `${part} ${count}`).join(', ');
      this.log.info(`repairs while running: ${counts}`);
    }
    for (const [reason, count] of this.droppedOf(this.loop.counters)) this.onRefused(reason, count);
  }

  private async bringUp(): Promise<LeftBinding | undefined> {
    const { settings, log, route, mark } = this;
    this.lock = lockTunnel(settings.number);
    this.monitor = RouteMonitor.open({
      onEvent: (event) => {
        this.hear(event);
      },
      onError: (error) => {
        log.warn(messageOf(error));
      },
      overrunCheckMs: OVERRUN_CHECK_MS,
      ipv6: settings.tunnel.inner6 !== undefined,
    });
    const { lifetimeSeconds } = settings.tunnel;
    // Before anything is taken away that would have to be replaced.
    requireDevices();
    const left = await takeKernelRemains({ ...settings.kernel, mark, lifetimeSeconds }, route, this.announce, log);
    if (left !== undefined) {
      this.endpoint = left.endpoint;
      this.letInUntilMs = left.remainingMs === undefined ? Infinity : sharedMs() + left.remainingMs;
    }
    const { address, device } = await this.outer.find();
    log.info(`outer address ${address} on ${device.name}, UDP port ${mark.port}`);
    this.openSocket();
    await this.fit();
    await mendAll(await this.device.plan(this.mtu, () => Promise.resolve()));
    await this.readSources();
    await this.loop.start(this.state());
    const used = [
      ...(this.device.offloads ? ['TUN offloads'] : []),
      ...(this.socket.offloads.segmentation ? ['UDP_SEGMENT'] : []),
      ...(this.socket.offloads.coalescing ? ['UDP_GRO'] : []),
    ];
    log.info(`${settings.tunnel.device}: TUN device, ${used.length === 0 ? 'no offloads' : used.join(', ')}`);
    return left;
  }

  private async takeDown(): Promise<void> {
    await this.looks.close();
    this.monitor?.close();
    await this.loop.stop(this.state());
    this.socket.close();
    this.device.close();
    this.route.close();
    this.lock?.release();
  }

  private droppedOf(counters: Counters): ReadonlyMap<string, number> {
    const unread = this.socket.dropped;
    return new Map([...drops(counters), ...(unread > 0 ? [['unread', unread] as const] : [])]);
  }

  private uses(offload: keyof Offloads): boolean {
    return this.settings.without?.includes(offload) !== true;
  }

  private get mtu(): number | undefined {
    return this.settings.tunnel.mtu ?? this.fitted.mtu;
  }

  /** Whether what is too long for the way is cut up outside, for it can't be told to be shorter. */
  private get fragments(): boolean {
    return this.settings.tunnel.mtu !== undefined || this.fitted.isNarrow;
  }

  /** The returned function closes the socket before. */
  private openSocket(): () => void {
    const { address, device, port } = this.outer.side;
    return this.socket.open({ address, port, device, fragments: this.fragments });
  }

  private state(): LoopState {
    const { endpoint, device, socket } = this;
    return {
      ...socket.offloads,
      // The kernel cuts up packets that are too long for the way, but not those of a long message.
      segmentation: socket.offloads.segmentation && !this.fitted.isNarrow,
      batches: this.uses('batches'),
      tunHeader: device.offloads,
      stop: false,
      udp: socket.fd,
      tun: device.fd,
      fragments: this.fragments,
      address: endpoint === undefined ? 0 : toNumber(endpoint.address),
      port: endpoint?.port ?? 0,
      letInUntilMs: this.letInUntilMs,
      mtu: this.mtu ?? 0,
      sources: this.sources,
    };
  }

  /** Most events tell of our own changes, or of what is none of our business. */
  private hear(event: RouteEvent): void {
    if (event.kind === 'overrun') {
      this.log.warn(`${event.lostMessages} of the kernel's reports on the network were lost: looking anew`);
    }
    if (!this.isRunning) return;
    const { device, mtu, covered } = this;
    // Packets are on their way as soon as a route into the tunnel is there: the kernel plane asks it for each of them.
    const isUrgent = isRoute(event) && event.route.outInterface === device.index;
    this.looks.soon(concernedParts(event, { device, mtu, covered }), isUrgent ? 0 : undefined);
  }

  private async look(parts: ReadonlySet<Part>): Promise<void> {
    if (!this.isRunning) return;
    if (parts.has('path')) {
      try {
        await this.outer.look(this.followOuter);
        await this.followMtu();
      } catch (error) {
        this.log.limited('outer', 'WARN', () => `${messageOf(error)}; looking again in ${FOLLOW_AGAIN_MS / 1000} s`);
        this.looks.later('path', FOLLOW_AGAIN_MS);
      }
    }
    if (parts.has('device')) {
      // With its descriptor and routes gone the loop has to be told as soon as there are new ones.
      const onMade = async (): Promise<void> => {
        await this.readSources();
        await this.loop.apply(this.state());
      };
      await this.repairer.look('device', () => this.device.plan(this.mtu, onMade), undefined);
    }
    if (parts.has('device') || parts.has('sources')) {
      await this.readSources();
      await this.loop.apply(this.state());
    }
  }

  /** The host's own address or device changed under the tunnel. */
  private readonly followOuter: Follow = async (change) => {
    if (!change.address && !(change.device && this.settings.outer.device !== undefined)) return;
    // The loop goes over to the new socket before the old one is closed.
    const closeBefore = this.openSocket();
    await this.loop.apply(this.state());
    closeBefore();
  };

  /** The device's MTU follows that of the way to the peer. */
  private async followMtu(): Promise<void> {
    const before = await this.fit();
    const { device, log, route, settings, mtu } = this;
    if (mtu !== undefined && mtu !== before.mtu && device.index >= 0) {
      log.info(`MTU of ${settings.tunnel.device}: ${before.mtu ?? 'unknown'} → ${mtu}`);
      await route.setLink(device.index, { mtu });
    }
    if (mtu === before.mtu && this.fragments === before.fragments && !this.wasTooLong) return;
    this.wasTooLong = false;
    await this.loop.apply(this.state());
  }

  /** Goes by what the way to the peer has room for now. Returns what it went by before. */
  private async fit(): Promise<{ readonly mtu: number | undefined; readonly fragments: boolean }> {
    const { endpoint, outer, route, log, settings, fitted: last } = this;
    const fitted = await fittingMtu({ route, outer, endpoint, tunnel: settings.tunnel, before: last, log });
    const before = { mtu: this.mtu, fragments: this.fragments };
    this.fitted = fitted;
    if (this.fragments !== before.fragments) this.socket.cutUp(this.fragments);
    if (fitted.isLearnt) this.looks.later('path', PATH_MTU_EXPIRY_MS);
    return before;
  }

  private async readSources(): Promise<void> {
    const routes = await this.route.routes({ table: 'all' });
    this.sources = allowedSources(routes, this.device.index);
    this.covered = coveredBy(routes, this.device.index);
    if (this.sources.length > MAX_RANGES) {
      const { device } = this.settings.tunnel;
      this.log.limited('sources', 'WARN', () => {
        return `the routes into ${device} are cut up by ${this.sources.length} others: only the first ${MAX_RANGES} pieces are let in`;
      });
    }
  }

  private assertPeer(peer: string): void {
    if (!this.isRunning) throw new Error('the userspace data plane is not running');
    if (this.settings.tunnel.peer !== peer) throw new Error(`no such peer: ${peer}`);
  }
}

const isRoute = (event: RouteEvent): event is Extract<RouteEvent, { readonly route: unknown }> => 'route' in event;

const toNumber = (address: string): number => address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
