/** The client: sets the tunnel up, says who it is, and says so again whenever it may have moved. */
import { randomBytes } from 'node:crypto';
import { isIPv4 } from 'node:net';
import type { StateSaver } from '../auth/index.js';
import type { ClientConfig } from '../config/index.js';
import type { Commands, ControlServer, Fields } from '../control/index.js';
import {
  createClient,
  formatEndpoint,
  RANDOM_BYTES,
  stepClient,
  type ClientAction,
  type ClientEvent,
  type ClientState,
  type Endpoint,
  type TimerName,
} from '../core/index.js';
import type { DataPlane } from '../dataplane/index.js';
import type { Logger } from '../log/index.js';
import { openState } from './client-state.js';
import { now } from './clock.js';
import { commonStatus, openControl } from './control.js';
import { dropLeftEgress } from './egress.js';
import { egressCommands } from './egress-commands.js';
import { messageOf, withExitCode } from './errors.js';
import { HeldBack } from './held-back.js';
import { makePlane, peerName, stopPlane } from './plane.js';
import { Refusals } from './refusals.js';
import { resolveHost } from './resolve-host.js';
import { orStopped, runUntilStopped, type Daemon } from './run.js';
import { ServerName } from './server-name.js';
import type { ServiceManager } from './service-manager.js';
import { claimKey } from './shared-key.js';
import { statePath } from './state-path.js';

/** Runs until SIGTERM, SIGINT or SIGALRM; resolves with exit code 0, rejects with what ends the program otherwise. */
export async function runClient(config: ClientConfig, log: Logger, make = makePlane): Promise<number> {
  return await runUntilStopped(log, {
    start: (manager, stopped) => ClientDaemon.start(config, log, manager, stopped, make),
    onStarted: (daemon, signals, manager) => {
      signals.onReauthenticate(() => {
        log.info('SIGUSR1: authenticating again');
        manager.reload(() => {
          daemon.reauthenticate();
        });
      });
    },
  });
}

class ClientDaemon implements Daemon {
  private readonly config: ClientConfig;
  private readonly log: Logger;
  private readonly heldBack: HeldBack;
  private readonly refusals: Refusals;
  private readonly saver: StateSaver<number>;
  private readonly plane: DataPlane;
  /** Undefined where the server is given by address. */
  private readonly name: ServerName | undefined;
  private readonly manager: ServiceManager;
  private readonly timers = new Map<TimerName, NodeJS.Timeout>();
  private state: ClientState;
  private ready = false;
  /** Since the last send that failed, or the last reload. */
  private answered = false;
  private control: ControlServer | undefined;

  private constructor(
    config: ClientConfig,
    log: Logger,
    manager: ServiceManager,
    server: Endpoint,
    lastSignedSeconds: number | undefined,
    saver: StateSaver<number>,
    make: typeof makePlane,
  ) {
    this.config = config;
    this.log = log;
    this.manager = manager;
    this.heldBack = new HeldBack(log);
    this.refusals = new Refusals(log);
    this.saver = saver;
    this.name = isIPv4(config.remoteHost) ? undefined : new ServerName(config.remoteHost, log);
    this.state = createClient({
      server,
      scheme: config.auth,
      keepaliveSeconds: config.keepaliveSeconds,
      lastSignedSeconds,
    });
    this.plane = make(
      config,
      server.address,
      {
        onAuthPacket: (packet) => {
          this.take({ kind: 'packet', ...packet });
        },
        onRefused: (reason, count) => {
          this.refusals.add(reason, count);
        },
        onOuterAddress: () => {
          this.take({ kind: 'networkChanged' });
        },
      },
      log,
    );
  }

  static async start(
    config: ClientConfig,
    log: Logger,
    manager: ServiceManager,
    stopped: AbortSignal,
    make: typeof makePlane,
  ): Promise<ClientDaemon> {
    const address = await orStopped(resolveHost(config.remoteHost), stopped);
    const server = { address, port: config.remotePort };
    const { lastSigned, saver } = await openState(statePath(config), log);
    const daemon = new ClientDaemon(config, log, manager, server, lastSigned, saver, make);
    try {
      const adopted = await daemon.plane.start();
      if (adopted.length > 0) await dropServersEgress(config, log);
      claimKey(config, log);
      try {
        await daemon.plane.point(peerName(config), server);
      } catch (error) {
        await daemon.plane.stop().catch((failure: unknown) => {
          log.warn(`after a failed start: ${messageOf(failure)}`);
        });
        throw error;
      }
    } catch (error) {
      throw withExitCode(error);
    }
    daemon.control = await openControl(config, daemon.commands(), log);
    log.info(`client ready: ${config.tunlDev} (${config.tunlIp} – ${config.tunlPeerIp}) to ${formatEndpoint(server)}`);
    daemon.ready = true;
    daemon.take({ kind: 'start' });
    return daemon;
  }

  take(event: ClientEvent): void {
    if (!this.ready) return;
    const { state, actions } = stepClient(this.state, event, now(), randomBytes(RANDOM_BYTES));
    this.state = state;
    for (const action of actions) this.act(action);
    // At these two the name has just been looked up.
    const fresh = event.kind === 'start' || event.kind === 'remoteChanged';
    if (!fresh && actions.some(({ kind }) => kind === 'sendAuth')) void this.followName();
  }

  reauthenticate(): void {
    this.answered = false;
    this.take({ kind: 'reauthenticate' });
  }

  async stop(): Promise<void> {
    this.ready = false;
    await this.control?.close();
    for (const timer of this.timers.values()) clearTimeout(timer);
    try {
      await stopPlane(this.plane);
    } finally {
      // Behind the tunnel, which is to go also where the disk does not answer.
      await this.saver.flush();
      this.heldBack.close();
      this.refusals.sum();
    }
  }

  private commands(): Commands {
    return { status: () => this.status(), ...egressCommands(() => undefined) };
  }

  private async status(): Promise<Fields> {
    return {
      ...commonStatus(this.config),
      server: formatEndpoint(this.state.server),
      answered: this.answered,
      egress: false,
      refused: { ...this.refusals.totals, ...Object.fromEntries(await this.plane.dropped()) },
    };
  }

  private act(action: ClientAction): void {
    const { log } = this;
    switch (action.kind) {
      case 'saveLastSigned':
        this.saver.changed(action.unixSeconds);
        return;
      case 'sendAuth':
        this.send(action.to, action.payload);
        return;
      case 'armTimer':
        this.arm(action.name, action.afterMs);
        return;
      case 'authenticated': {
        const after = action.afterMs === undefined ? '' : ` after ${Math.round(action.afterMs)} ms`;
        log.info(`the server answered${after}${action.signed ? ', signed by its key' : ''}`);
        this.answered = true;
        this.manager.status(answeredBy(action.server));
        return;
      }
      case 'drop':
        this.refusals.count(action.reason, action.from);
        return;
    }
  }

  /**
   * Beside each auth packet the server's name is looked up again. The packet itself goes to the address known so far: a
   * resolver may take many seconds, and mostly nothing has changed.
   */
  private async followName(): Promise<void> {
    const { config, log } = this;
    const address = await this.name?.other(this.state.server.address);
    if (address === undefined || !this.ready) return;
    const server = { address, port: config.remotePort };
    log.info(`${config.remoteHost} is ${address} now: moving there from ${this.state.server.address}`);
    try {
      await this.plane.point(peerName(config), server);
    } catch (error) {
      log.limited('point', 'ERROR', () => {
        return `the tunnel could not be pointed to ${formatEndpoint(server)}, and stays: ${messageOf(error)}`;
      });
      return;
    }
    this.take({ kind: 'remoteChanged', server });
  }

  private send(to: Endpoint, payload: Buffer): void {
    try {
      this.plane.sendAuth(to, payload);
      this.log.debug(`auth packet of ${payload.length} bytes sent to ${formatEndpoint(to)}`);
      this.manager.ready(this.answered ? answeredBy(to) : `auth packet sent to ${formatEndpoint(to)}`);
    } catch (error) {
      const { keepaliveSeconds } = this.config;
      const next = keepaliveSeconds > 0 ? 'trying again' : 'trying again a few times; --keepalive would go on';
      const what = `the auth packet could not be sent (${messageOf(error)})`;
      this.log.limited('send', 'WARN', () => `${what}: ${next}`);
      this.answered = false;
      this.manager.status(what);
    }
  }

  private arm(name: TimerName, afterMs: number): void {
    clearTimeout(this.timers.get(name));
    this.timers.set(
      name,
      setTimeout(() => {
        this.take({ kind: 'timer', name });
      }, afterMs),
    );
  }
}

const answeredBy = (server: Endpoint): string => `server at ${formatEndpoint(server)} has answered`;

/** Of a server that had the tunnel before: its rules would stop what is a client's now. */
async function dropServersEgress(config: ClientConfig, log: Logger): Promise<void> {
  try {
    await dropLeftEgress({ ...config, egress: undefined }, log);
  } catch (error) {
    // Where there is no nf_tables, as a client can do without, no server has left any.
    log.debug(`the egress of an earlier run was not looked for: ${messageOf(error)}`);
  }
}
