/** The server: catches auth packets, and points the tunnel where a valid one came from. */
import { randomBytes } from 'node:crypto';
import {
  describeStateFault,
  guardAtStart,
  guardKey,
  guardSaver,
  loadGuards,
  newGuard,
  type Guards,
  type ReplayGuard,
  type StateSaver,
} from '../auth/index.js';
import type { ServerConfig } from '../config/index.js';
import type { Commands, ControlServer, Fields } from '../control/index.js';
import {
  createServer,
  formatEndpoint,
  RANDOM_BYTES,
  stepServer,
  type Endpoint,
  type ServerAction,
  type ServerEvent,
  type ServerState,
} from '../core/index.js';
import type { AuthPacket, DataPlane } from '../dataplane/index.js';
import type { Logger } from '../log/index.js';
import { now } from './clock.js';
import { commonStatus, openControl } from './control.js';
import { Egress } from './egress.js';
import { egressCommands } from './egress-commands.js';
import { DaemonError, messageOf, withExitCode } from './errors.js';
import { HeldBack } from './held-back.js';
import { makePlane, peerName, stopPlane } from './plane.js';
import { Refusals } from './refusals.js';
import { resolveHost } from './resolve-host.js';
import { orStopped, runUntilStopped, type Daemon } from './run.js';
import type { ServiceManager } from './service-manager.js';
import { claimKey } from './shared-key.js';
import { statePath } from './state-path.js';

/** Packets that may arrive between the opening of the queue and the end of the start. */
const EARLY_PACKETS = 64;

/** Runs until SIGTERM, SIGINT or SIGALRM; resolves with exit code 0, rejects with what ends the program otherwise. */
export async function runServer(config: ServerConfig, log: Logger, make = makePlane): Promise<number> {
  return await runUntilStopped(log, {
    start: (manager, stopped) => ServerDaemon.start(config, log, manager, stopped, make),
  });
}

class ServerDaemon implements Daemon {
  private readonly config: ServerConfig;
  private readonly log: Logger;
  private readonly heldBack: HeldBack;
  private readonly refusals: Refusals;
  private readonly saver: StateSaver<Guards> | undefined;
  private readonly plane: DataPlane;
  private readonly manager: ServiceManager;
  private state: ServerState;
  private guards: Guards;
  private early: AuthPacket[] | undefined = [];
  private egress: Egress | undefined;
  private control: ControlServer | undefined;

  private constructor(
    config: ServerConfig,
    log: Logger,
    manager: ServiceManager,
    start: StartingPoint,
    make: typeof makePlane,
  ) {
    this.config = config;
    this.log = log;
    this.manager = manager;
    this.heldBack = new HeldBack(log);
    this.refusals = new Refusals(log);
    this.state = start.state;
    this.guards = start.guards;
    this.saver = start.saver;
    const handlers = {
      onAuthPacket: (packet: AuthPacket) => {
        this.take(packet);
      },
      onRefused: (reason: string, count: number) => {
        this.refusals.add(reason, count);
      },
      onOuterAddress: () => undefined,
      beforeUp: async () => {
        await this.egress?.shut();
      },
    };
    this.plane = make(config, undefined, handlers, log);
  }

  static async start(
    config: ServerConfig,
    log: Logger,
    manager: ServiceManager,
    stopped: AbortSignal,
    make: typeof makePlane,
  ): Promise<ServerDaemon> {
    const start = await orStopped(findStartingPoint(config, log), stopped);
    const daemon = new ServerDaemon(config, log, manager, start, make);
    let status = 'waiting for a client';
    try {
      const adopted = await daemon.plane.start();
      claimKey(config, log);
      await daemon.startEgress(config);
      for (const { peer, endpoint, remainingMs: remainingLifetimeMs } of adopted) {
        daemon.step({ kind: 'adopted', peer, endpoint, remainingLifetimeMs });
        status = clientAt(endpoint);
      }
      if (adopted.length === 0) status = (await daemon.bindToConfigured(config, start.remote)) ?? status;
    } catch (error) {
      throw withExitCode(error);
    }
    // From the start on: what is refused now must stay refused after a crash. Not before the start has succeeded: the
    // file may be another daemon's until then.
    daemon.saver?.changed(daemon.guards, true);
    daemon.control = await openControl(config, daemon.commands(), log);
    log.info(`server ready: ${config.tunlDev} (${config.tunlIp} – ${config.tunlPeerIp}), waiting for auth packets`);
    manager.ready(status);
    const packets = daemon.early ?? [];
    daemon.early = undefined;
    for (const packet of packets) daemon.take(packet);
    return daemon;
  }

  async stop(): Promise<void> {
    await this.control?.close();
    try {
      await this.stopPlane();
      await this.stopEgress();
    } finally {
      // Behind the tunnel, which is to go also where the disk does not answer.
      await this.saver?.flush();
      this.heldBack.close();
      this.refusals.sum();
    }
  }

  /** Where something of the tunnel is left, so is what decides how packets out of it leave. */
  private async stopPlane(): Promise<void> {
    try {
      await stopPlane(this.plane);
    } catch (error) {
      if (this.egress !== undefined) this.log.warn('egress: its rules stay, as the tunnel may');
      throw error;
    }
  }

  private commands(): Commands {
    return { status: () => this.status(), ...egressCommands(() => this.egress) };
  }

  private async status(): Promise<Fields> {
    const [peer] = this.state.peers;
    const binding = peer?.binding.kind === 'bound' ? peer.binding : undefined;
    const { expiresAtMs } = binding ?? {};
    const leftMs = expiresAtMs === undefined ? undefined : Math.max(0, expiresAtMs - now().monotonicMs);
    return {
      ...commonStatus(this.config),
      client: binding === undefined ? null : formatEndpoint(binding.endpoint),
      lifetimeSeconds: leftMs === undefined ? null : Math.ceil(leftMs / 1000),
      egress: this.egress !== undefined,
      refused: { ...this.refusals.totals, ...Object.fromEntries(await this.plane.dropped()) },
    };
  }

  /** Behind the plane, which keeps a second daemon of the same tunnel out; before anybody is let in. */
  private async startEgress(config: ServerConfig): Promise<void> {
    try {
      this.egress = await Egress.start(config, this.log);
    } catch (error) {
      await this.undoStart();
      throw error;
    }
  }

  /** The egress last: without it what comes out of the tunnel would leave as it is. */
  private async undoStart(): Promise<void> {
    try {
      await this.plane.stop();
      await this.egress?.stop();
    } catch (error) {
      this.log.warn(`after a failed start: ${messageOf(error)}`);
    }
  }

  private async stopEgress(): Promise<void> {
    try {
      await this.egress?.stop();
    } catch (error) {
      throw new DaemonError('cleanup', messageOf(error), { cause: error });
    }
  }

  /** A remote side that was given whole is where the client is taken to be, until it proves to be elsewhere. */
  private async bindToConfigured(
    config: ServerConfig,
    { address, port }: Partial<Endpoint>,
  ): Promise<string | undefined> {
    if (address === undefined || port === undefined) return undefined;
    const endpoint = { address, port };
    const peer = peerName(config);
    try {
      await this.plane.point(peer, endpoint);
    } catch (error) {
      await this.undoStart();
      throw error;
    }
    const remainingLifetimeMs = config.lifetimeSeconds > 0 ? config.lifetimeSeconds * 1000 : undefined;
    this.step({ kind: 'adopted', peer, endpoint, remainingLifetimeMs });
    this.log.info(`${peer}: bound to ${formatEndpoint(endpoint)} by --fou-remote, with nothing proved yet`);
    return clientAt(endpoint);
  }

  private take(packet: AuthPacket): void {
    if (this.early === undefined) this.step({ kind: 'authPacket', ...packet });
    else if (this.early.length < EARLY_PACKETS) this.early.push(packet);
    else this.refusals.add('early', 1);
  }

  private step(event: ServerEvent): void {
    const { state, actions } = stepServer(this.state, event, now(), randomBytes(RANDOM_BYTES));
    this.state = state;
    // The first of them is under way when this returns, before anything that can wait.
    if (actions.length > 0) void this.carryOut(actions);
  }

  /** In order; where the tunnel could not be pointed, the client gets no answer. */
  private async carryOut(actions: readonly ServerAction[]): Promise<void> {
    for (const action of actions) {
      try {
        await this.act(action);
      } catch (error) {
        if (action.kind !== 'bind' && action.kind !== 'roam') {
          this.log.limited(action.kind, 'WARN', () => `${action.kind}: ${messageOf(error)}`);
          continue;
        }
        const endpoint = action.kind === 'bind' ? action.endpoint : action.to;
        this.log.limited('bind', 'ERROR', () => {
          return `a client authenticated from ${formatEndpoint(endpoint)}, but the tunnel could not be pointed there: ${messageOf(error)}`;
        });
        this.refusals.add('not pointed to', 1);
        this.step({ kind: 'bindFailed', peer: action.peer, endpoint });
        return;
      }
    }
  }

  private async act(action: ServerAction): Promise<void> {
    const { log, plane } = this;
    switch (action.kind) {
      case 'bind':
        await this.point(action.peer, action.endpoint);
        log.limited('bound', 'INFO', () => {
          return `${action.peer}: client authenticated from ${formatEndpoint(action.endpoint)}`;
        });
        return;
      case 'roam':
        await this.point(action.peer, action.to);
        this.egress?.apply({ kind: 'roamed', device: action.peer });
        log.limited('roamed', 'INFO', () => {
          return `${action.peer}: client moved from ${formatEndpoint(action.from)} to ${formatEndpoint(action.to)}`;
        });
        return;
      case 'refresh':
        log.limited(
          'refreshed',
          'DEBUG',
          () => `${action.peer}: client is still at ${formatEndpoint(action.endpoint)}`,
        );
        await plane.refresh(action.peer, action.endpoint);
        return;
      case 'reply':
        plane.sendAuth(action.to, action.makePayload());
        return;
      case 'saveGuard':
        this.remember(action.peer, action.guard, action.urgent);
        return;
      case 'drop':
        this.refusals.count(action.reason, action.from);
        return;
    }
  }

  private async point(peer: string, endpoint: Endpoint): Promise<void> {
    await this.plane.point(peer, endpoint);
    this.manager.status(clientAt(endpoint));
  }

  private remember(peer: string, guard: ReplayGuard, urgent: boolean): void {
    const scheme = this.state.peers.find(({ settings }) => settings.peer === peer)?.settings.scheme;
    if (scheme?.kind !== 'ed25519') return;
    this.guards = new Map([...this.guards, [guardKey(scheme.peerKey), guard]]);
    this.saver?.changed(this.guards, urgent);
  }
}

const clientAt = (endpoint: Endpoint): string => `client at ${formatEndpoint(endpoint)}`;

interface StartingPoint {
  /** What is configured of the client's endpoint, its name looked up. */
  readonly remote: Partial<Endpoint>;
  readonly state: ServerState;
  readonly guards: Guards;
  /** Only where the scheme has something to remember. */
  readonly saver: StateSaver<Guards> | undefined;
}

async function findStartingPoint(config: ServerConfig, log: Logger): Promise<StartingPoint> {
  const remote = {
    ...(config.remoteHost !== undefined && { address: await resolveHost(config.remoteHost) }),
    ...(config.remotePort !== undefined && { port: config.remotePort }),
  };
  const settings = {
    peer: peerName(config),
    scheme: config.auth,
    remote,
    byRemoteIp: config.authByRemoteIp,
    byRemotePort: config.authByRemotePort,
    maxDiscrepancySeconds: config.maxTimeDiscrepancySeconds,
    lifetimeSeconds: config.lifetimeSeconds,
    replyOnAuthOk: config.replyOnAuthOk,
  };
  if (config.auth.kind !== 'ed25519') {
    const state = createServer([{ settings, guard: newGuard(0) }]);
    return { remote, state, guards: new Map(), saver: undefined };
  }
  const path = statePath(config);
  const startSeconds = Math.max(0, Math.floor(now().unixMs / 1000));
  const loaded = await loadGuards(path, startSeconds);
  if (loaded.fault !== undefined) {
    const told = `${path} ${describeStateFault(loaded.fault)}: only packets signed from now on are accepted`;
    if (loaded.fault.kind === 'missing') log.info(told);
    else log.warn(told);
  }
  const guard = guardAtStart(loaded, config.auth.peerKey, startSeconds);
  const saver = guardSaver({
    path,
    onError: (error, isGone) => {
      log.limited('state file', 'WARN', () => {
        const means = isGone
          ? 'after a restart only packets signed from then on are accepted'
          : 'after a restart a captured packet may be accepted once more';
        return `${path} cannot be written (${error.message}): ${means}; correct --state-dir or its permissions`;
      });
    },
  });
  const guards = new Map([...loaded.guards, [guardKey(config.auth.peerKey), guard]]);
  return { remote, state: createServer([{ settings, guard }]), guards, saver };
}
