/**
 * What systemd is told about the daemon (sd_notify(3)), for units of Type=notify:
 *
 *                             ┌──RELOADING=1──→ reloading ──READY=1──┐
 *     starting ──READY=1──→ running ←────────────────────────────────┘
 *                             └──STOPPING=1──→ stopping
 *
 * A STATUS line, which `systemctl status` shows, goes with each, and whenever it changes.
 */
import type { Logger } from '../log/index.js';
import { NotifySocket } from '../sys/notify.js';
import { messageOf } from './errors.js';

export class ServiceManager {
  private readonly log: Logger;
  private readonly socket: NotifySocket | undefined;
  private phase: 'starting' | 'running' | 'stopping' = 'starting';
  private lastStatus = '';

  /** Without a socket nobody is told anything. */
  constructor(log: Logger, socket: NotifySocket | undefined) {
    this.log = log;
    this.socket = socket;
  }

  /** The one that started us, if it wants to hear from us. */
  static fromEnvironment(log: Logger, environment: Readonly<NodeJS.ProcessEnv>): ServiceManager {
    return new ServiceManager(log, openSocket(environment['NOTIFY_SOCKET'], log));
  }

  /** The tunnel can carry, or accept. Ends the start; later calls only change the status. */
  ready(status: string): void {
    if (this.phase !== 'starting') {
      this.status(status);
      return;
    }
    this.phase = 'running';
    this.lastStatus = status;
    this.send({ READY: '1', STATUS: status });
  }

  status(status: string): void {
    if (status === this.lastStatus || this.phase === 'stopping') return;
    this.lastStatus = status;
    this.send({ STATUS: status });
  }

  /** Does what a reload is here. During the start, or the stop, that is no news to the service manager. */
  reload(work: () => void): void {
    const tell = this.phase === 'running';
    // The time, CLOCK_MONOTONIC as hrtime is, tells this reload's end from that of an earlier one.
    if (tell) this.send({ RELOADING: '1', MONOTONIC_USEC: String(process.hrtime.bigint() / 1000n) });
    try {
      work();
    } finally {
      if (tell) this.send({ READY: '1' });
    }
  }

  /** The last word. */
  stopping(reason: string): void {
    if (this.phase === 'stopping') return;
    this.phase = 'stopping';
    this.send({ STOPPING: '1', STATUS: `${reason}: stopping` });
    this.socket?.close();
  }

  private send(fields: Readonly<Record<string, string>>): void {
    try {
      this.socket?.send(fields);
    } catch (error) {
      this.log.limited('notify', 'WARN', () => messageOf(error));
    }
  }
}

function openSocket(name: string | undefined, log: Logger): NotifySocket | undefined {
  if (name === undefined || name === '') return undefined;
  try {
    return NotifySocket.open(name);
  } catch (error) {
    log.warn(`NOTIFY_SOCKET can't be used, the service manager won't hear from us: ${messageOf(error)}`);
    return undefined;
  }
}
