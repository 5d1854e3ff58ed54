/**
 * What the packet loop has to know, in memory that it shares with the main thread, which is the only one to write it.
 * The generation tells of a change, and is odd while one is being made; the loop reads all of it and looks again whether
 * the generation is the same (a sequence lock). Descriptors are the main thread's, and outlive a loop.
 */
import type { SourceRange } from './inner-sources.js';

/** Words of 32 bits. */
const GENERATION = 0;
const STOP = 1;
const UDP = 2;
const TUN = 3;
const FLAGS = 4;
const ADDRESS = 5;
const PORT = 6;
const MTU = 7;
const RANGE_COUNT = 8;
const WAITING = 9;
/** A float64 at word 10. */
const LET_IN_UNTIL = 5;
const RANGES = 16;
/** As the packet module has room for. */
export const MAX_RANGES = 8192;

const BYTES = (RANGES + 2 * MAX_RANGES) * 4;

const HAS_TUN_HEADER = 1;
const SEGMENTS = 2;
const COALESCES = 4;
const FRAGMENTS = 8;
const BATCHES = 16;

/** What the kernel does for us. */
export interface Offloads {
  /** TUN hands over long packets with a header that tells what is left to do. */
  readonly tunHeader: boolean;
  /** UDP_SEGMENT */
  readonly segmentation: boolean;
  /** UDP_GRO */
  readonly coalescing: boolean;
  /** recvmmsg and sendmmsg rather than one call for each message. */
  readonly batches: boolean;
}

export interface LoopState extends Offloads {
  readonly stop: boolean;
  /** Descriptors; -1 for none. */
  readonly udp: number;
  readonly tun: number;
  /** Packets that are too long for the way are cut up by the kernel. */
  readonly fragments: boolean;
  /** Where to send, in host order; port 0 for nowhere. */
  readonly address: number;
  readonly port: number;
  /** Until when packets from there are let in, by `process.hrtime`, in ms. */
  readonly letInUntilMs: number;
  /** Of the device. */
  readonly mtu: number;
  /** Inner sources that are let in: ascending and apart. */
  readonly sources: readonly SourceRange[];
}

export class ControlBlock {
  readonly buffer: SharedArrayBuffer;
  private readonly words: Int32Array;
  private readonly unsigned: Uint32Array;
  private readonly floats: Float64Array;

  constructor(buffer = new SharedArrayBuffer(BYTES)) {
    this.buffer = buffer;
    this.words = new Int32Array(buffer);
    this.unsigned = new Uint32Array(buffer);
    this.floats = new Float64Array(buffer, 0, RANGES / 2);
  }

  get generation(): number {
    return Atomics.load(this.words, GENERATION);
  }

  /** Returns the generation that this is. */
  write(state: LoopState): number {
    const { words, unsigned, floats } = this;
    Atomics.add(words, GENERATION, 1);
    words[STOP] = state.stop ? 1 : 0;
    words[UDP] = state.udp;
    words[TUN] = state.tun;
    words[FLAGS] =
      (state.tunHeader ? HAS_TUN_HEADER : 0) |
      (state.segmentation ? SEGMENTS : 0) |
      (state.coalescing ? COALESCES : 0) |
      (state.fragments ? FRAGMENTS : 0) |
      (state.batches ? BATCHES : 0);
    unsigned[ADDRESS] = state.address;
    words[PORT] = state.port;
    words[MTU] = state.mtu;
    floats[LET_IN_UNTIL] = state.letInUntilMs;
    const ranges = state.sources.slice(0, MAX_RANGES);
    words[RANGE_COUNT] = ranges.length;
    ranges.forEach(({ first, last }, index) => {
      unsigned[RANGES + 2 * index] = first;
      unsigned[RANGES + 2 * index + 1] = last;
    });
    return Atomics.add(words, GENERATION, 1) + 1;
  }

  /** The state and its generation; undefined while it is being written. */
  read(): { readonly generation: number; readonly state: LoopState } | undefined {
    const { words, unsigned, floats, generation } = this;
    if ((generation & 1) !== 0) return undefined;
    const flags = words[FLAGS] ?? 0;
    const sources: SourceRange[] = [];
    for (let index = 0; index < Math.min(words[RANGE_COUNT] ?? 0, MAX_RANGES); index += 1) {
      sources.push({ first: unsigned[RANGES + 2 * index] ?? 0, last: unsigned[RANGES + 2 * index + 1] ?? 0 });
    }
    const state: LoopState = {
      stop: words[STOP] !== 0,
      udp: words[UDP] ?? -1,
      tun: words[TUN] ?? -1,
      tunHeader: (flags & HAS_TUN_HEADER) !== 0,
      segmentation: (flags & SEGMENTS) !== 0,
      coalescing: (flags & COALESCES) !== 0,
      fragments: (flags & FRAGMENTS) !== 0,
      batches: (flags & BATCHES) !== 0,
      address: unsigned[ADDRESS] ?? 0,
      port: words[PORT] ?? 0,
      letInUntilMs: floats[LET_IN_UNTIL] ?? -Infinity,
      mtu: words[MTU] ?? 0,
      sources,
    };
    return this.generation === generation ? { generation, state } : undefined;
  }

  /** Auth packets on their way to the main thread. Counts one more unless `limit` wait already; returns whether it did. */
  reserve(limit: number): boolean {
    if (Atomics.load(this.words, WAITING) >= limit) return false;
    Atomics.add(this.words, WAITING, 1);
    return true;
  }

  /** One of them has arrived. */
  release(): void {
    Atomics.sub(this.words, WAITING, 1);
  }

  /** A loop has died, and what it had sent has arrived or never will. */
  releaseAll(): void {
    Atomics.store(this.words, WAITING, 0);
  }
}
