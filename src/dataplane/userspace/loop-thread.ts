/**
 * Keeps a packet loop running: starts it, tells it what has changed, and starts another where it dies.
 *
 *     stopped ──start──▶ running ──dies──▶ waiting (as the pace has it) ──▶ running …
 *        ▲                  │                   │
 *        └───────stop───────┴───────stop────────┘
 *
 * The loop can't be terminated while it waits in the kernel: it is told to stop, and woken.
 */
import { Worker } from 'node:worker_threads';
import type { ClassifierScheme } from '../../core/classifier.js';
import { EventFd } from '../../sys/event-fd.js';
import type { AuthPacket } from '../index.js';
import { messageOf, PlaneError } from '../common/errors.js';
import { afterRepair, QUIET_PACE, repairWaitMs, type PaceState } from '../common/repair-pace.js';
import { packetModule, workerEntry } from './assets.js';
import { ControlBlock, type LoopState } from './control-block.js';
import type { Ipv6Sources } from './inner6-sources.js';
import { addCounts, NO_COUNTS, type Counters } from './counters.js';
import type { LoopData, LoopMessage } from './messages.js';

export interface LoopThreadOptions {
  readonly schemes: readonly ClassifierScheme[];
  /** Inner IPv6 sources; undefined: the tunnel carries no IPv6. */
  readonly ipv6: Ipv6Sources | undefined;
  readonly queueLength: number;
  readonly monotonicMs: () => number;
  readonly onAuthPacket: (packet: AuthPacket) => void;
  readonly onDeviceLost: (code: string) => void;
  readonly onTooLong: () => void;
  readonly onNoSegmentation: (code: string) => void;
  readonly onSegmentationPaused: (code: string) => void;
  /** It died, and the next one starts after so long. */
  readonly onDeath: (reason: string, waitMs: number) => void;
}

interface Waiter {
  readonly generation: number;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/** The young generation of a loop, which makes hardly any garbage. */
const YOUNG_GENERATION_MB = 4;

export class LoopThread {
  private readonly options: LoopThreadOptions;
  private readonly control = new ControlBlock();
  private readonly wake = EventFd.open();
  private exited: Promise<void> = Promise.resolve();
  private waiters: Waiter[] = [];
  private timer: NodeJS.Timeout | undefined;
  private pace: PaceState = QUIET_PACE;
  private stopped = false;
  private everTook = false;
  private counted: Counters = NO_COUNTS;
  private counting: Counters = NO_COUNTS;

  /** Throws SystemError, and PlaneError where the program is incomplete. */
  constructor(options: LoopThreadOptions) {
    this.options = options;
  }

  /** What was counted up to the last change of the state. */
  get counters(): Counters {
    return addCounts(this.counted, this.counting);
  }

  /** What was counted up to now, where a loop is running. */
  async count(state: LoopState): Promise<Counters> {
    if (this.timer === undefined) await this.apply(state);
    return this.counters;
  }

  /** Resolves when packets are carried as the state says. Rejects with PlaneError where the thread can't be started. */
  async start(state: LoopState): Promise<void> {
    const taken = this.apply(state);
    this.spawn();
    await taken;
  }

  /** Resolves when packets are carried as the state says. */
  async apply(state: LoopState): Promise<void> {
    const generation = this.control.write(state);
    const taken = new Promise<void>((resolve, reject) => {
      this.waiters.push({ generation, resolve, reject });
    });
    this.wake.wake();
    await taken;
  }

  /** Resolves when the thread is over, and uses no descriptor any more. */
  async stop(state: LoopState): Promise<void> {
    this.stopped = true;
    clearTimeout(this.timer);
    this.control.write({ ...state, stop: true });
    this.wake.wake();
    await this.exited;
    for (const { resolve } of this.waiters) resolve();
    this.waiters = [];
    this.wake.close();
  }

  private spawn(): void {
    const { schemes, ipv6, queueLength } = this.options;
    const data: LoopData = {
      control: this.control.buffer,
      module: packetModule(),
      wakeFd: this.wake.fd,
      schemes,
      ipv6,
      queueLength,
    };
    const worker = new Worker(workerEntry(), {
      name: 'packet loop',
      workerData: data,
      // Whatever this process was started with (a debugger, a loader of tests) is not for the loop.
      execArgv: [],
      resourceLimits: { maxYoungGenerationSizeMb: YOUNG_GENERATION_MB },
    });
    let reason = 'it ended by itself';
    worker.on('message', (message: LoopMessage) => {
      this.hear(message);
    });
    worker.on('error', (error) => {
      reason = messageOf(error);
    });
    this.exited = new Promise((resolve) => {
      worker.on('exit', () => {
        worker.removeAllListeners();
        resolve();
        this.bury(reason);
      });
    });
  }

  private hear(message: LoopMessage): void {
    const { options } = this;
    switch (message.kind) {
      case 'taken':
        this.everTook = true;
        for (const { generation, resolve } of this.waiters) if (generation <= message.generation) resolve();
        this.waiters = this.waiters.filter(({ generation }) => generation > message.generation);
        return;
      case 'auth': {
        this.control.release();
        const { from, payload } = message;
        options.onAuthPacket({ from, payload: Buffer.from(payload.buffer, payload.byteOffset, payload.length) });
        return;
      }
      case 'device-lost':
        options.onDeviceLost(message.code);
        return;
      case 'too-long':
        options.onTooLong();
        return;
      case 'no-segmentation':
        options.onNoSegmentation(message.code);
        return;
      case 'segmentation-paused':
        options.onSegmentationPaused(message.code);
        return;
      case 'counters':
        this.counting = message.counters;
        return;
    }
  }

  private bury(reason: string): void {
    if (this.stopped) return;
    this.counted = this.counters;
    this.counting = NO_COUNTS;
    this.control.releaseAll();
    if (!this.everTook) {
      const error = new PlaneError('link', `the packet loop can't run: ${reason}`);
      for (const { reject } of this.waiters) reject(error);
      this.waiters = [];
      return;
    }
    const nowMs = this.options.monotonicMs();
    const waitMs = repairWaitMs(this.pace, nowMs);
    this.pace = afterRepair(this.pace, nowMs + waitMs);
    this.options.onDeath(reason, waitMs);
    this.timer = setTimeout(() => {
      this.timer = undefined;
      try {
        this.spawn();
      } catch (error) {
        // Its files are being replaced, as by an upgrade.
        this.bury(messageOf(error));
      }
    }, waitMs);
  }
}
