/**
 * The packet module (assembly/) with its memory, which is the arena of one packet loop: the loop's system calls read
 * and write there, and nowhere else. See assembly/receive.ts and assembly/transmit.ts for how the functions are used.
 */
import { SIGNED_PACKET_LENGTH } from '../../auth/constants.js';
import type { ClassifierScheme } from '../../core/classifier.js';
import { addressOf } from '../../sys/libc.js';
import type { Ipv6Prefix, Ipv6Sources } from './inner6-sources.js';
import { COUNTER_NAMES, type CounterName, type Counters } from './counters.js';

interface Constant {
  readonly value: number;
}

/** What the module exports, as far as it is used here. Flags are numbers to WebAssembly. */
interface PacketExports {
  readonly DONE: Constant;
  readonly WRITE: Constant;
  readonly ASK: Constant;
  readonly MEMORY_PAGES: Constant;
  readonly POLL_FDS: Constant;
  readonly SCRATCH: Constant;
  readonly COUNTERS: Constant;
  readonly RX_MESSAGES: Constant;
  readonly RX_SLOTS: Constant;
  readonly TX_MESSAGES: Constant;
  readonly RANGES: Constant;
  readonly MAX_RANGES: Constant;
  readonly PREFIXES: Constant;
  readonly PREFIX_BYTES: Constant;
  readonly MAX_PREFIXES: Constant;
  setRanges(count: number): void;
  setPrefixes(denied: number, count: number): void;
  txSetUp(address: bigint, tunHeader: number, segmentation: number): void;
  txSetPeer(bound: number, address: number, port: number): void;
  txBegin(): void;
  txAt(): number;
  txPacket(bytes: number): void;
  txEnd(): number;
  rxSetUp(address: bigint, tunHeader: number, coalescing: number): void;
  rxSetBound(bound: number, address: number, port: number): void;
  rxSetMtu(bytes: number): void;
  rxAskLength(bytes: number): number;
  rxAskAll(): void;
  rxPrepare(): void;
  rxStart(messages: number): void;
  rxRun(): number;
  rxAnswer(isData: number): void;
  askAt(): number;
  askBytes(): number;
  askIsBound(): number;
  askAddress(): number;
  askPort(): number;
  writeIovecs(): number;
  writeIovecCount(): number;
}

/** Of assembly/layout.ts: the memory has to be made before the module can be asked. */
const PAGES = 51;

export class PacketModule {
  readonly exports: PacketExports;
  /** Where the arena lies in the process. */
  readonly base: number;
  /** The arena. It never grows, so this never becomes detached. */
  readonly bytes: Buffer;
  private readonly counts: BigUint64Array;
  // Kept, so that the arena is.
  private readonly memory: WebAssembly.Memory;

  constructor(module: WebAssembly.Module) {
    this.memory = new WebAssembly.Memory({ initial: PAGES, maximum: PAGES });
    this.exports = new WebAssembly.Instance(module, { env: { memory: this.memory } })
      .exports as unknown as PacketExports;
    this.bytes = Buffer.from(this.memory.buffer);
    this.base = addressOf(this.bytes);
    this.counts = new BigUint64Array(this.memory.buffer, this.exports.COUNTERS.value, COUNTER_NAMES.length);
  }

  /** Has the module ask about every packet that may be an auth packet, and about no other that is data. */
  askAbout(schemes: readonly ClassifierScheme[]): void {
    for (const scheme of schemes) {
      if (scheme.kind === 'none') this.exports.rxAskAll();
      else this.askAboutLength(scheme.kind === 'token' ? scheme.token.length : SIGNED_PACKET_LENGTH);
    }
  }

  /** Has the module carry IPv6 from these sources, too. */
  carryIpv6({ denied, allowed }: Ipv6Sources): void {
    const { exports, bytes } = this;
    [...denied, ...allowed].forEach(({ address, mask }: Ipv6Prefix, index) => {
      const at = exports.PREFIXES.value + index * exports.PREFIX_BYTES.value;
      bytes.set(address, at);
      bytes.set(mask, at + address.length);
    });
    exports.setPrefixes(denied.length, denied.length + allowed.length);
  }

  count(name: CounterName, by = 1): void {
    const index = COUNTER_NAMES.indexOf(name);
    this.counts[index] = (this.counts[index] ?? 0n) + BigInt(by);
  }

  private askAboutLength(bytes: number): void {
    // There is room for more lengths than a tunnel has schemes.
    if (this.exports.rxAskLength(bytes) === 0) throw new RangeError('too many kinds of auth packets');
  }

  counters(): Counters {
    return Object.fromEntries(COUNTER_NAMES.map((name, index) => [name, Number(this.counts[index] ?? 0n)])) as Record<
      CounterName,
      number
    >;
  }
}
