/** The hosts of the demo, and the processes on them that everybody in the story may look at. */
import { join } from 'node:path';
import { ask, SOCKET_NAME } from '../src/control/index.js';
import { startDaemon, type Namespace, type Running, type Scope } from '../test/lab/support/index.js';
import { SERVER_INNER, CLIENT_INNER, PORT, stateDir } from '../test/lab/support/tunnel.js';
import { SERVER_OUTER, STRANGER_OUTER, wanTopology, type WanTopology } from '../test/lab/support/wan.js';
import { PingLog } from './ping-log.js';
import type { Screen } from './screen.js';

export { CLIENT_INNER, PORT, SERVER_INNER, SERVER_OUTER, STRANGER_OUTER };

export type Side = 'server' | 'client';

/** Pings a second that go on through the whole story. */
const PINGS_PER_SECOND = 5;

export class Stage {
  readonly screen: Screen;
  readonly net: WanTopology;
  readonly #scope: Scope;
  readonly #planeArgs: readonly string[];
  readonly #daemons = new Map<Side, Running>();
  /** Where each side's control socket is: the hosts share the file system, so not in its usual place. */
  readonly controlFolders: Readonly<Record<Side, string>>;

  private constructor(screen: Screen, scope: Scope, net: WanTopology, planeArgs: readonly string[]) {
    this.screen = screen;
    this.#scope = scope;
    this.net = net;
    this.#planeArgs = planeArgs;
    this.controlFolders = { server: stateDir(scope), client: stateDir(scope) };
  }

  /** `planeArgs` go to the daemons of both sides. */
  static async build(screen: Screen, scope: Scope, planeArgs: readonly string[]): Promise<Stage> {
    return new Stage(screen, scope, await wanTopology(scope), planeArgs);
  }

  get scope(): Scope {
    return this.#scope;
  }

  /** Shows the command and starts it on that side's host, with a folder of its own for what it remembers. */
  start(side: Side, ownArgs: readonly string[]): Running {
    const args = [...ownArgs, ...this.#planeArgs];
    this.screen.typed(side, ['ipipou-ts', ...args].map(quoted).join(' '));
    const daemon = startDaemon(this.#scope, this.net[side], args, {
      STATE_DIRECTORY: stateDir(this.#scope),
      RUNTIME_DIRECTORY: this.controlFolders[side],
    });
    this.#daemons.set(side, daemon);
    return daemon;
  }

  daemon(side: Side): Running {
    const daemon = this.#daemons.get(side);
    if (daemon === undefined) throw new Error(`the ${side} has not been started`);
    return daemon;
  }

  get daemons(): ReadonlyMap<Side, Running> {
    return this.#daemons;
  }

  /** Waits until the daemon says so, shows the line, and returns it. Only what it says behind `since` counts. */
  async hear(side: Side, pattern: RegExp, since = 0): Promise<string> {
    const line = withoutStamp(await this.wait(side, pattern, since));
    this.screen.said(side, line);
    return line;
  }

  /** The same without showing it. */
  async wait(side: Side, pattern: RegExp, since = 0): Promise<string> {
    const daemon = this.daemon(side);
    try {
      const [line] = await daemon.waitForLog(new RegExp(`^.*${pattern.source}.*$`, 'm'), { since });
      return line;
    } catch (cause) {
      const { ended } = daemon;
      const end = ended?.signal ?? `exit code ${ended?.code ?? 'unknown'}`;
      const why = ended === undefined ? 'it still runs' : `it ended by ${end}`;
      throw new Error(`The ${side} never said "${pattern.source.replaceAll('\\', '')}"; ${why}.`, { cause });
    }
  }

  ping(from: Side): PingLog {
    const to = from === 'client' ? SERVER_INNER : CLIENT_INNER;
    this.screen.typed(from, `ping -i ${1 / PINGS_PER_SECOND} ${to}`);
    return PingLog.start(this.#scope, this.net[from], to, 1000 / PINGS_PER_SECOND);
  }

  /** Where the server sends the tunnel's packets. */
  async clientEndpoint(): Promise<string> {
    const asked = await ask(join(this.controlFolders.server, SOCKET_NAME), 'status');
    if (asked.kind === 'fault' || !asked.reply.ok) throw new Error('the server does not say where its client is');
    const { client } = asked.reply.result as { readonly client: string | null };
    return client ?? 'nowhere';
  }

  /** Shows `ip` commands as typed on the host, and runs them in one go. */
  async ip(host: string, ns: Namespace, ...lines: readonly string[]): Promise<void> {
    for (const line of lines) this.screen.typed(host, `ip ${line}`);
    await ns.ip(...lines);
  }
}

/** A log line without its time and process id. */
export const withoutStamp = (line: string): string => line.replace(/^\S+T\S+ \d+ +/, '');

const quoted = (word: string): string => (/^[\w@:./=+-]+$/.test(word) ? word : `'${word}'`);
