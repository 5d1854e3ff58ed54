/**
 * The loop that carries packets between the device and the wire, in a thread of its own:
 *
 *             ┌──────────── poll, without a time limit ◀───────────┐
 *             ▼                    │                │              │
 *     wake: heed the          device: read …,    wire: recvmmsg,   │
 *     control block           sendmmsg           writev …          │
 *             └────────────────────┴────────────────┴──────────────┘
 *
 * It never waits for anything but poll. Where the wire takes no more, the device is not read until it does, so that
 * what waits, waits in the device's queue. It owns no descriptor: whatever ends it, the next one goes on with the same.
 */
import { classify, classifyUnbound } from '../../core/classifier.js';
import { errnoName } from '../../sys/errno.js';
import { MMSGHDR, POLLFD } from '../../sys/layouts.js';
import { lastErrno } from '../../sys/libc.js';
import {
  MSG_DONTWAIT,
  MSG_NOSIGNAL,
  packetCalls,
  POLLIN,
  POLLNVAL,
  POLLOUT,
  type PacketCalls,
} from '../../sys/packet-calls.js';
import { AuthBudget } from './auth-budget.js';
import { ControlBlock, type LoopState } from './control-block.js';
import { holdsAddress } from './inner-sources.js';
import type { LoopData, LoopMessage } from './messages.js';
import { PacketModule } from './packet-module.js';
import { sharedMs } from './shared-clock.js';

/** Packets read from the device before the wire has its turn. */
const MAX_READS = 64;
/** The longest packet, and the header of TUN. */
const READ_BYTES = 65_535 + 10;
/** Of a call for many messages, each of which then went by itself. */
const REFUSALS_IN_A_ROW = 8;
/** The device is gone, or was never one. */
const LOST = new Set(['EBADFD', 'EBADF', 'ENODEV', 'ENXIO']);

export class PacketLoop {
  private readonly data: LoopData;
  private readonly tell: (message: LoopMessage) => void;
  private readonly control: ControlBlock;
  private readonly packets: PacketModule;
  private readonly calls: PacketCalls;
  private readonly budget = new AuthBudget(sharedMs());
  private readonly polled: DataView;
  private generation = 0;
  private state: LoopState | undefined;
  /** As told, unless they turned out to be no good. */
  private udp = -1;
  private tun = -1;
  private segmentation = true;
  /** Long messages are sent singly until something changes; told once, for a way may stay that narrow. */
  private isPausing = false;
  private hasToldPause = false;
  /** Until the next change, unless the system has no such call. */
  private sendsBatches = true;
  private receivesBatches = true;
  private refusedBatches = 0;
  private letInUntilMs = -Infinity;
  /** Messages that are ready to be sent, and how many of them have been. */
  private ready = 0;
  private sent = 0;
  private hasComplained = false;

  /** `calls`: the system's; tests have theirs fail. */
  constructor(data: LoopData, tell: (message: LoopMessage) => void, calls: PacketCalls = packetCalls()) {
    this.data = data;
    this.tell = tell;
    this.calls = calls;
    this.control = new ControlBlock(data.control);
    this.packets = new PacketModule(data.module);
    const { exports, bytes } = this.packets;
    this.polled = new DataView(bytes.buffer, exports.POLL_FDS.value, 3 * POLLFD.bytes);
    this.packets.askAbout(data.schemes);
    if (data.ipv6 !== undefined) this.packets.carryIpv6(data.ipv6);
  }

  /** Returns when it is told to stop. */
  run(): void {
    const { exports, base } = this.packets;
    const fds = base + exports.POLL_FDS.value;
    for (;;) {
      if (this.control.generation !== this.generation) this.heed();
      if (this.state?.stop === true) return;
      const isWaiting = this.sent < this.ready;
      this.watch(0, this.udp, isWaiting ? POLLIN | POLLOUT : POLLIN);
      this.watch(1, isWaiting ? -1 : this.tun, POLLIN);
      this.watch(2, this.data.wakeFd, POLLIN);
      if (this.calls.poll(fds, 3, -1) < 0) {
        const code = errnoName(lastErrno());
        if (code === 'EINTR') continue;
        throw new Error(`poll: ${code}`);
      }
      if (this.happened(2) !== 0) this.calls.read(this.data.wakeFd, base + exports.SCRATCH.value, 8);
      if (isWaiting) this.flush();
      else if (this.happened(1) !== 0) this.send();
      const wire = this.happened(0);
      if ((wire & POLLNVAL) !== 0) this.udp = -1;
      else if ((wire & ~POLLOUT) !== 0) this.receive();
    }
  }

  /** Goes by what the control block says now. */
  private heed(): void {
    let read = this.control.read();
    // The main thread is in the middle of it, which takes it microseconds.
    while (read === undefined) read = this.control.read();
    const { generation, state } = read;
    const before = this.state;
    const { exports, base, bytes } = this.packets;
    this.generation = generation;
    this.state = state;
    this.hasComplained = false;
    this.udp = state.udp;
    this.tun = state.tun;
    this.letInUntilMs = state.letInUntilMs;
    if (before === undefined) this.receivesBatches = state.batches;
    this.sendsBatches = state.batches && this.refusedBatches < Infinity;
    if (before?.tunHeader !== state.tunHeader || before.coalescing !== state.coalescing) {
      exports.rxSetUp(BigInt(base), Number(state.tunHeader), Number(state.coalescing));
    }
    this.isPausing = false;
    this.setSegmentation();
    exports.rxSetMtu(state.mtu);
    state.sources.forEach(({ first, last }, index) => {
      bytes.writeUInt32LE(first, exports.RANGES.value + 8 * index);
      bytes.writeUInt32LE(last, exports.RANGES.value + 8 * index + 4);
    });
    exports.setRanges(state.sources.length);
    if (before?.address !== state.address || before.port !== state.port) this.budget.renewBound(sharedMs());
    exports.txSetPeer(state.port === 0 ? 0 : 1, swapped32(state.address), swapped16(state.port));
    this.letIn(sharedMs());
    this.tell({ kind: 'counters', counters: this.packets.counters() });
    this.tell({ kind: 'taken', generation });
  }

  private setSegmentation(): void {
    const { tunHeader, segmentation } = this.state ?? { tunHeader: false, segmentation: false };
    const isUsed = segmentation && this.segmentation && !this.isPausing;
    this.packets.exports.txSetUp(BigInt(this.packets.base), Number(tunHeader), Number(isUsed));
  }

  private letIn(nowMs: number): void {
    const { address, port } = this.state ?? { address: 0, port: 0 };
    const isBound = port !== 0 && nowMs < this.letInUntilMs;
    this.packets.exports.rxSetBound(Number(isBound), swapped32(address), swapped16(port));
    if (!isBound) this.letInUntilMs = -Infinity;
  }

  /** From the wire to the device. */
  private receive(): void {
    const { exports, base, bytes } = this.packets;
    const { calls } = this;
    if (Number.isFinite(this.letInUntilMs)) this.letIn(sharedMs());
    exports.rxPrepare();
    const messages = base + exports.RX_MESSAGES.value;
    let received: number;
    if (this.receivesBatches) {
      received = calls.recvmmsg(this.udp, messages, exports.RX_SLOTS.value, MSG_DONTWAIT, 0);
      if (received < 0 && isRefused(lastErrno())) this.receivesBatches = false;
    } else {
      const length = calls.recvmsg(this.udp, messages, MSG_DONTWAIT);
      bytes.writeUInt32LE(Math.max(length, 0), exports.RX_MESSAGES.value + MMSGHDR.length);
      received = length < 0 ? -1 : 1;
    }
    // An error of the network's is told once and tells nothing to us; of the next packet poll will tell.
    if (received <= 0) return;
    exports.rxStart(received);
    const [write, ask] = [exports.WRITE.value, exports.ASK.value];
    for (;;) {
      const outcome = exports.rxRun();
      if (outcome === write) this.write(base + exports.writeIovecs(), exports.writeIovecCount());
      else if (outcome === ask) this.judge();
      else return;
    }
  }

  private write(iovecs: number, count: number): void {
    if (this.tun >= 0 && this.calls.writev(this.tun, iovecs, count) >= 0) return;
    const code = this.tun < 0 ? undefined : errnoName(lastErrno());
    this.packets.count('writing');
    if (code !== undefined && LOST.has(code)) this.loseDevice(code);
  }

  /** A packet that may be an auth packet. */
  private judge(): void {
    const { exports, bytes } = this.packets;
    const { schemes, queueLength, ipv6 } = this.data;
    const payload = bytes.subarray(exports.askAt(), exports.askAt() + exports.askBytes());
    const isBound = exports.askIsBound() !== 0;
    const judge = isBound ? classify : classifyUnbound;
    const judgement = judge(payload, schemes, undefined, ipv6 !== undefined);
    const isData = judgement.kind === 'data';
    const source = exports.askAddress();
    const from = { address: dotted(swapped32(source)), port: swapped16(exports.askPort()) };
    exports.rxAnswer(Number(isData));
    if (isData) return;
    if (judgement.kind === 'drop') this.packets.count(judgement.reason);
    // What comes out of the tunnel must not point it into itself.
    else if (this.isInside(swapped32(source))) this.packets.count('fromInside');
    else if (!this.budget.spend(source, isBound, sharedMs())) this.packets.count('authRate');
    else if (!this.control.reserve(queueLength)) this.packets.count('authQueue');
    else this.tell({ kind: 'auth', from, payload: Uint8Array.prototype.slice.call(payload) });
  }

  /** Whether packets with this source may come out of the tunnel. In host order; `sources` are ascending and apart. */
  private isInside(address: number): boolean {
    return holdsAddress(this.state?.sources ?? [], address);
  }

  /** From the device to the wire. */
  private send(): void {
    const { exports, base } = this.packets;
    exports.txBegin();
    for (let reads = 0; reads < MAX_READS; reads += 1) {
      const at = exports.txAt();
      if (at === 0) break;
      const bytes = this.calls.read(this.tun, base + at, READ_BYTES);
      if (bytes < 0) {
        const code = errnoName(lastErrno());
        if (LOST.has(code)) this.loseDevice(code);
        break;
      }
      exports.txPacket(bytes);
    }
    this.ready = exports.txEnd();
    this.sent = 0;
    this.flush();
  }

  private flush(): void {
    const { exports, base } = this.packets;
    const { calls } = this;
    const flags = MSG_DONTWAIT | MSG_NOSIGNAL;
    while (this.sent < this.ready) {
      const next = base + exports.TX_MESSAGES.value + this.sent * MMSGHDR.bytes;
      const isBatch = this.sendsBatches;
      let sent = isBatch
        ? calls.sendmmsg(this.udp, next, this.ready - this.sent, flags)
        : Math.min(calls.sendmsg(this.udp, next, flags), 1);
      if (sent > 0 && isBatch) this.refusedBatches = 0;
      else if (sent < 0 && isBatch && isRefused(lastErrno())) sent = this.sendWithoutBatch(next, flags);
      if (sent > 0) this.sent += sent;
      else if (errnoName(lastErrno()) === 'EAGAIN') return;
      else this.giveUp(errnoName(lastErrno()));
    }
  }

  /**
   * The next message by itself. EPERM is what a firewall of this host says, too, and may say now and then: only what is
   * refused again and again, and goes by itself each time, is the call's own fault.
   */
  private sendWithoutBatch(message: number, flags: number): number {
    const isMissing = errnoName(lastErrno()) === 'ENOSYS';
    const sent = Math.min(this.calls.sendmsg(this.udp, message, flags), 1);
    if (isMissing) this.refusedBatches = Infinity;
    else if (sent > 0) this.refusedBatches += 1;
    if (this.refusedBatches >= REFUSALS_IN_A_ROW) this.sendsBatches = false;
    return sent;
  }

  /** The next message can't be sent: it is dropped, as on any way that is too narrow or closed. */
  private giveUp(code: string): void {
    const isLong = this.controlBytes() > 0;
    this.packets.count('sending');
    this.sent += 1;
    // Of long messages with segments that are too long for the way older kernels say EINVAL.
    const isTooLong = code === 'EMSGSIZE' || (isLong && code === 'EINVAL');
    // The kernel cuts packets into fragments, but no long messages. EIO: the outer device can't do the checksums.
    if (isLong && (code === 'EIO' || (isTooLong && this.state?.fragments === true))) {
      this.segmentation = false;
      this.setSegmentation();
      this.tell({ kind: 'no-segmentation', code });
      return;
    }
    if (isLong && code === 'EINVAL') this.pause(code);
    if (isTooLong && !this.hasComplained) {
      this.hasComplained = true;
      this.tell({ kind: 'too-long' });
    }
  }

  /** Whatever EINVAL is for, single packets tell more. */
  private pause(code: string): void {
    this.isPausing = true;
    this.setSegmentation();
    if (this.hasToldPause) return;
    this.hasToldPause = true;
    this.tell({ kind: 'segmentation-paused', code });
  }

  /** Of the message that is next. */
  private controlBytes(): number {
    const { exports, bytes } = this.packets;
    return bytes.readUInt32LE(exports.TX_MESSAGES.value + this.sent * MMSGHDR.bytes + MSG_CONTROLLEN);
  }

  private loseDevice(code: string): void {
    this.tun = -1;
    this.tell({ kind: 'device-lost', code });
  }

  private watch(index: number, fd: number, events: number): void {
    const at = index * POLLFD.bytes;
    this.polled.setInt32(at + POLLFD.fd, fd, true);
    this.polled.setInt16(at + POLLFD.events, events, true);
    this.polled.setInt16(at + POLLFD.revents, 0, true);
  }

  private happened(index: number): number {
    return this.polled.getInt16(index * POLLFD.bytes + POLLFD.revents, true);
  }
}

const MSG_CONTROLLEN = 40;

/** Such a call isn't there, or isn't allowed (seccomp): each message by itself, then. */
const isRefused = (errno: number): boolean => ['ENOSYS', 'EPERM'].includes(errnoName(errno));

const swapped16 = (value: number): number => ((value & 0xff) << 8) | ((value >> 8) & 0xff);

/** Unsigned; WebAssembly hands out signed numbers. */
const swapped32 = (value: number): number =>
  ((swapped16(value & 0xffff) << 16) | swapped16((value >>> 16) & 0xffff)) >>> 0;

const dotted = (address: number): string =>
  [address >>> 24, (address >>> 16) & 0xff, (address >>> 8) & 0xff, address & 0xff].join('.');
