/** The packet module with hands instead of a kernel: datagrams are put where recvmmsg would, iovecs are followed. */
import { packetModule } from '../../../../src/dataplane/userspace/assets.js';
import type { Ipv6Sources } from '../../../../src/dataplane/userspace/inner6-sources.js';
import { PacketModule } from '../../../../src/dataplane/userspace/packet-module.js';
import { CMSGHDR, IOVEC, MMSGHDR, MSGHDR, SOCKADDR_IN } from '../../../../src/sys/layouts.js';
import { socketAddress } from '../../../../src/sys/udp-socket.js';

export const PEER = { address: '192.0.2.7', port: 4321 };

export interface RigSettings {
  readonly tunHeader?: boolean;
  readonly segmentation?: boolean;
  readonly coalescing?: boolean;
  readonly bound?: boolean;
  readonly mtu?: number;
  /** Absent: the tunnel carries no IPv6. */
  readonly ipv6?: Ipv6Sources;
}

/** Any source. */
export const ANY_IPV6: Ipv6Sources = {
  denied: [],
  allowed: [{ address: new Uint8Array(16), mask: new Uint8Array(16) }],
};

export interface Datagram {
  readonly payload: Buffer;
  readonly from?: { readonly address: string; readonly port: number };
  /** What the kernel says it joined. */
  readonly joined?: number;
  readonly cut?: boolean;
}

/** What the module asks about a packet. */
export type Answer = (payload: Buffer, isBound: boolean) => boolean;

export interface SentMessage {
  readonly to: Buffer;
  readonly bytes: Buffer;
  /** UDP_SEGMENT; 0 for one datagram. */
  readonly segmentBytes: number;
}

const SOL_UDP = 17;
const UDP_GRO = 104;
const MSG_TRUNC = 0x20;

export class ModuleRig {
  readonly module = new PacketModule(packetModule());

  constructor({
    tunHeader = true,
    segmentation = true,
    coalescing = true,
    bound = true,
    mtu = 1472,
    ipv6,
  }: RigSettings = {}) {
    const { exports, base } = this.module;
    exports.rxSetUp(BigInt(base), Number(tunHeader), Number(coalescing));
    exports.txSetUp(BigInt(base), Number(tunHeader), Number(segmentation));
    const name = socketAddress(PEER.address, PEER.port);
    const [address, port] = [name.readUInt32LE(SOCKADDR_IN.address), name.readUInt16LE(SOCKADDR_IN.port)];
    exports.rxSetBound(Number(bound), address, port);
    exports.txSetPeer(Number(bound), address, port);
    exports.rxSetMtu(mtu);
    this.allow([[0, 0xffffffff]]);
    if (ipv6 !== undefined) this.module.carryIpv6(ipv6);
  }

  allow(ranges: readonly (readonly [first: number, last: number])[]): void {
    const { exports, bytes } = this.module;
    ranges.forEach(([first, last], index) => {
      bytes.writeUInt32LE(first, exports.RANGES.value + 8 * index);
      bytes.writeUInt32LE(last, exports.RANGES.value + 8 * index + 4);
    });
    exports.setRanges(ranges.length);
  }

  /** What is written to the device for these datagrams, which come in one batch. */
  receive(datagrams: readonly Datagram[], answer: Answer = () => false): Buffer[] {
    const { exports, bytes } = this.module;
    exports.rxPrepare();
    datagrams.forEach(({ payload, from = PEER, joined, cut = false }, slot) => {
      const message = exports.RX_MESSAGES.value + slot * MMSGHDR.bytes;
      bytes.set(payload, this.offset(this.pointer(this.offset(this.pointer(message + MSGHDR.iov)))));
      bytes.set(socketAddress(from.address, from.port), this.offset(this.pointer(message + MSGHDR.name)));
      bytes.writeUInt32LE(payload.length, message + MMSGHDR.length);
      bytes.writeInt32LE(cut ? MSG_TRUNC : 0, message + MSGHDR.flags);
      const control = this.pointer(message + MSGHDR.control);
      if (joined === undefined || control === 0) bytes.writeBigUInt64LE(0n, message + MSGHDR.controllen);
      else {
        const at = this.offset(control);
        bytes.writeBigUInt64LE(BigInt(CMSGHDR.bytes + 4), at + CMSGHDR.length);
        bytes.writeInt32LE(SOL_UDP, at + CMSGHDR.level);
        bytes.writeInt32LE(UDP_GRO, at + CMSGHDR.type);
        bytes.writeInt32LE(joined, at + CMSGHDR.bytes);
        bytes.writeBigUInt64LE(24n, message + MSGHDR.controllen);
      }
    });
    exports.rxStart(datagrams.length);
    const written: Buffer[] = [];
    for (;;) {
      const outcome = exports.rxRun();
      if (outcome === exports.DONE.value) return written;
      if (outcome === exports.WRITE.value) written.push(this.gather(exports.writeIovecs(), exports.writeIovecCount()));
      else {
        const payload = Buffer.from(bytes.subarray(exports.askAt(), exports.askAt() + exports.askBytes()));
        exports.rxAnswer(Number(answer(payload, exports.askIsBound() !== 0)));
      }
    }
  }

  /** What is sent for these reads from the device, and how many of them one batch took. */
  send(reads: readonly Buffer[]): { readonly messages: SentMessage[]; readonly taken: number } {
    const { exports, bytes } = this.module;
    exports.txBegin();
    let taken = 0;
    for (const read of reads) {
      const at = exports.txAt();
      if (at === 0) break;
      bytes.set(read, at);
      exports.txPacket(read.length);
      taken += 1;
    }
    const messages = Array.from({ length: exports.txEnd() }, (_, index): SentMessage => {
      const message = exports.TX_MESSAGES.value + index * MMSGHDR.bytes;
      const iovecs = this.offset(this.pointer(message + MSGHDR.iov));
      const name = this.offset(this.pointer(message + MSGHDR.name));
      const hasControl = this.pointer(message + MSGHDR.controllen) > 0;
      const control = hasControl ? this.offset(this.pointer(message + MSGHDR.control)) : 0;
      return {
        to: Buffer.from(bytes.subarray(name, name + SOCKADDR_IN.bytes)),
        bytes: this.gather(iovecs, this.pointer(message + MSGHDR.iovlen)),
        segmentBytes: hasControl ? bytes.readUInt16LE(control + CMSGHDR.bytes) : 0,
      };
    });
    return { messages, taken };
  }

  private gather(iovecs: number, count: number): Buffer {
    const { bytes } = this.module;
    return Buffer.concat(
      Array.from({ length: count }, (_, index) => {
        const iovec = iovecs + index * IOVEC.bytes;
        const at = this.offset(this.pointer(iovec));
        return Buffer.from(bytes.subarray(at, at + this.pointer(iovec + IOVEC.length)));
      }),
    );
  }

  private pointer(at: number): number {
    return Number(this.module.bytes.readBigUInt64LE(at));
  }

  private offset(pointer: number): number {
    return pointer - this.module.base;
  }
}

/** The datagrams that the kernel makes of a message. */
export function datagramsOf({ bytes, segmentBytes }: SentMessage): Buffer[] {
  if (segmentBytes === 0) return [bytes];
  const datagrams: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += segmentBytes) datagrams.push(bytes.subarray(at, at + segmentBytes));
  return datagrams;
}
