import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { inside } from './inside.js';
import { endsWithUs } from './living.js';
import type { Namespace } from './namespace.js';
import type { Scope } from './scope.js';
import { waitUntil } from './wait.js';

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A process that runs beside the test. Its output, stdout and stderr as they come, is kept in `log`. */
export class Running {
  readonly name: string;
  readonly exit: Promise<Exit>;
  readonly #child: ChildProcess;
  #log = '';
  #ended: Exit | undefined;

  constructor(child: ChildProcess, name: string) {
    this.name = name;
    this.#child = child;
    const keep = (text: string) => (this.#log += text);
    child.stdout?.setEncoding('utf8').on('data', keep);
    child.stderr?.setEncoding('utf8').on('data', keep);
    this.exit = new Promise((resolve) => {
      const end = (code: number | null, signal: NodeJS.Signals | null) => {
        this.#ended = { code, signal };
        resolve(this.#ended);
      };
      child.on('error', (error) => {
        keep(`${name}: ${error.message}\n`);
        end(null, null);
      });
      child.on('close', end);
    });
  }

  get pid(): number {
    const { pid } = this.#child;
    if (pid === undefined) throw new Error(`${this.name} did not start: ${this.#log}`);
    return pid;
  }

  get log(): string {
    return this.#log;
  }

  /** Undefined while it runs. */
  get ended(): Exit | undefined {
    return this.#ended;
  }

  /** How much of the log there is; given to `waitForLog` it looks only at what comes later. */
  mark(): number {
    return this.#log.length;
  }

  /** Resolves with the match; rejects at once, with the log, when the process ends without ever saying it. */
  async waitForLog(pattern: RegExp, options: { since?: number; timeoutMs?: number } = {}): Promise<RegExpExecArray> {
    const { since = 0, ...limits } = options;
    const look = () => {
      const match = pattern.exec(this.#log.slice(since));
      if (match !== null) return match;
      if (this.#ended !== undefined) throw new Error('it has ended');
      return undefined;
    };
    try {
      return await waitUntil(look, { what: 'its log', everyMs: 20, ...limits });
    } catch (cause) {
      throw new Error(`${this.name} did not say ${String(pattern)}; its log:\n${this.#log}`, { cause });
    }
  }

  /** Sends the signal and waits for the end. */
  async kill(signal: NodeJS.Signals = 'SIGTERM'): Promise<Exit> {
    this.signal(signal);
    return this.exit;
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }
}

/** Starts a process in the namespace; it is killed with the scope if it still runs then. */
export function start(scope: Scope, ns: Namespace, command: readonly string[], env: NodeJS.ProcessEnv = {}): Running {
  const [program, ...args] = command;
  const child = inside(ns, () =>
    spawn(program!, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env } }),
  );
  const running = new Running(child, command.join(' '));
  endsWithUs(child);
  scope.defer(async () => {
    if (running.ended === undefined) await running.kill('SIGKILL');
  });
  return running;
}
