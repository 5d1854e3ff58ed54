/**
 * Hears of every change that may concern the plane, whoever makes it, and has it looked at once the burst of events that
 * a change is has calmed down. An idle plane hears nothing and does nothing.
 */
import { readFileSync } from 'node:fs';
import { NftablesMonitor, type NftablesEvent } from '../../netlink/nftables/events.js';
import { RouteMonitor, type RouteEvent } from '../../netlink/route/events.js';
import { SettledLook } from '../common/settled-look.js';
import { FAMILY } from './ruleset/names.js';

/** What can be looked at by itself; `path` is the host's own way out. */
export const PARTS = ['path', 'internal', 'filter', 'listener', 'link'] as const;
export type Part = (typeof PARTS)[number];

/** Overruns are found with the next event; this is for the case that none follows. */
const OVERRUN_CHECK_MS = 60_000;
/**
 * The kernel tells nobody that a FOU listener is gone. Where packets arrive for it the ruleset does (see ruleset.ts);
 * this is for a tunnel at rest. One look takes two requests, some 100 µs.
 */
const LISTENER_CHECK_MS = 15_000;

export interface ChangeWatchOptions {
  /** The nftables table to listen to; undefined for none. */
  readonly table: string | undefined;
  /** Whether addresses and routes of IPv6 concern the tunnel. */
  readonly ipv6: boolean;
  /** Which parts the event may have changed. */
  readonly concerns: (event: RouteEvent) => readonly Part[];
  /** `by` names the process that changed the table, where that is known. Never called twice at a time. */
  readonly onLook: (parts: ReadonlySet<Part>, by: string | undefined) => Promise<void>;
  readonly onError: (error: unknown) => void;
}

export class ChangeWatch {
  private readonly options: ChangeWatchOptions;
  private readonly routes: RouteMonitor;
  private readonly nftables: NftablesMonitor | undefined;
  private readonly listenerTimer: NodeJS.Timeout;
  private readonly ownName = readOwnName();
  private readonly looks: SettledLook<Part>;
  private by: string | undefined;

  private constructor(options: ChangeWatchOptions) {
    this.options = options;
    const { onError } = options;
    this.looks = new SettledLook<Part>({
      parts: PARTS,
      onLook: (parts) => {
        const { by } = this;
        this.by = undefined;
        return options.onLook(parts, by);
      },
      onError,
    });
    this.routes = RouteMonitor.open({
      ipv6: options.ipv6,
      onEvent: (event) => {
        if (event.kind === 'overrun') {
          onError(new Error(`${event.lostMessages} of the kernel's reports on the network were lost: looking anew`));
        }
        this.soon(event.kind === 'overrun' ? PARTS : options.concerns(event));
      },
      onError,
      overrunCheckMs: OVERRUN_CHECK_MS,
    });
    if (options.table !== undefined) {
      this.nftables = NftablesMonitor.open({
        onEvent: (event) => {
          this.hearTransaction(event);
        },
        onError,
        overrunCheckMs: OVERRUN_CHECK_MS,
      });
    }
    this.listenerTimer = setInterval(() => {
      this.soon(['listener'], 0);
    }, LISTENER_CHECK_MS).unref();
  }

  static open(options: ChangeWatchOptions): ChangeWatch {
    return new ChangeWatch(options);
  }

  /** Looks at these parts, together with whatever else is due by then. */
  soon(parts: readonly Part[], afterMs?: number): void {
    this.looks.soon(parts, afterMs);
  }

  /** Looks at the part again after a while, whatever is heard until then. */
  later(part: Part, afterMs: number): void {
    this.looks.later(part, afterMs);
  }

  /** Looks at everything now, and resolves when that is done. */
  async now(): Promise<void> {
    await this.looks.now();
  }

  /** Resolves when no look is under way any more. */
  async close(): Promise<void> {
    clearInterval(this.listenerTimer);
    this.routes.close();
    this.nftables?.close();
    await this.looks.close();
  }

  private hearTransaction(event: NftablesEvent): void {
    if (event.kind === 'overrun') {
      this.options.onError(new Error("some of the kernel's reports on nftables were lost: looking anew"));
      this.soon(PARTS);
      return;
    }
    const { tables, processId, processName } = event;
    if (!tables.some(({ family, name }) => family === FAMILY && name === this.options.table)) return;
    // The number alone could be another one's, seen from a pid namespace that is not ours.
    if (processId === process.pid && processName === this.ownName) return;
    if (processId !== undefined) this.by = `${processName ?? 'process'} (process ${processId})`;
    // Whoever cleans up here may have cleaned up there.
    this.soon(['filter', 'listener']);
  }
}

function readOwnName(): string | undefined {
  try {
    return readFileSync('/proc/self/comm', 'utf8').trim();
  } catch {
    return undefined;
  }
}
