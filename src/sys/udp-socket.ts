/**
 * A UDP socket by its descriptor, for packet loops in other threads: udp(7), ip(7). Here it is opened, and single
 * datagrams are sent.
 */
import { closeSync } from 'node:fs';
import { isIPv4 } from 'node:net';
import { SystemError } from './errors.js';
import { CMSGHDR, IOVEC, MSGHDR, SOCKADDR_IN } from './layouts.js';
import { addressOf, checked, libc } from './libc.js';
import { MSG_DONTWAIT, MSG_NOSIGNAL, packetCalls } from './packet-calls.js';
import { droppedMessages, forceBufferSize, setSocketOption, SOL_SOCKET } from './socket-options.js';

/** bits/socket.h, linux/in.h, linux/udp.h, linux/asm-generic/socket.h */
const AF_INET = 2;
const SOCK_DGRAM = 2;
const SOCK_NONBLOCK = 0x800;
const SOCK_CLOEXEC = 0x80000;
const SO_BINDTODEVICE = 25;
const IPPROTO_IP = 0;
const IP_TTL = 2;
const IP_MTU_DISCOVER = 10;
const IP_PMTUDISC_WANT = 1;
const IP_PMTUDISC_DO = 2;
const SOL_UDP = 17;
const UDP_SEGMENT = 103;
const UDP_GRO = 104;

/** The largest payload of a UDP datagram over IPv4. */
const MAX_PAYLOAD = 65_507;
/** Where the parts of a single message lie in its arena. */
const IOVEC_AT = 64;
const NAME_AT = 80;
const CONTROL_AT = 96;
const CONTROL_BYTES = 24;
const PAYLOAD_AT = 128;

export interface UdpSocketSettings {
  /** Dotted; the socket takes what is sent there and sends from there. */
  readonly address: string;
  readonly port: number;
  readonly device?: string;
  /** Cut packets up that are too long for the way; otherwise they are refused with EMSGSIZE. */
  readonly fragments: boolean;
  /** Of the receive and the send buffer, each. */
  readonly bufferBytes: number;
}

export class UdpSocket {
  readonly fd: number;
  private closed = false;
  /** Kept as long as its addresses are in use. */
  private readonly arena = Buffer.alloc(PAYLOAD_AT + MAX_PAYLOAD);

  private constructor(fd: number) {
    this.fd = fd;
  }

  /** Throws SystemError: EADDRINUSE where the port is taken, EADDRNOTAVAIL for an address that the host hasn't. */
  static open(settings: UdpSocketSettings): UdpSocket {
    const { address, port, device, fragments, bufferBytes } = settings;
    const fd = checked('open a UDP socket', libc().socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    try {
      if (device !== undefined) {
        const name = Buffer.from(`${device}\0`);
        checked(`bind to ${device}`, libc().setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, name, name.length));
      }
      setFragments(fd, fragments);
      forceBufferSize(fd, 'receive', bufferBytes);
      forceBufferSize(fd, 'send', bufferBytes);
      const name = socketAddress(address, port);
      checked(`bind to ${address}:${port}`, libc().bind(fd, name, name.length));
      return new UdpSocket(fd);
    } catch (error) {
      closeSync(fd);
      throw error;
    }
  }

  /** Has the kernel hand over runs of datagrams in one piece (UDP_GRO). Whether it does. */
  coalesce(): boolean {
    return this.takes(UDP_GRO, 1);
  }

  /** Whether the kernel cuts long messages up into datagrams (UDP_SEGMENT). */
  segments(): boolean {
    return this.takes(UDP_SEGMENT, 0);
  }

  /** Sends one datagram; without `ttl` with the system's. Throws SystemError. */
  send(to: { readonly address: string; readonly port: number }, payload: Uint8Array, ttl?: number): void {
    if (payload.length > MAX_PAYLOAD) throw new RangeError(`${payload.length} bytes fit in no datagram`);
    const { arena } = this;
    const base = addressOf(arena);
    arena.fill(0, 0, PAYLOAD_AT);
    arena.set(payload, PAYLOAD_AT);
    arena.set(socketAddress(to.address, to.port), NAME_AT);
    writeAddress(arena, IOVEC_AT + IOVEC.base, base + PAYLOAD_AT);
    writeAddress(arena, IOVEC_AT + IOVEC.length, payload.length);
    writeAddress(arena, MSGHDR.name, base + NAME_AT);
    arena.writeUInt32LE(SOCKADDR_IN.bytes, MSGHDR.namelen);
    writeAddress(arena, MSGHDR.iov, base + IOVEC_AT);
    writeAddress(arena, MSGHDR.iovlen, 1);
    if (ttl !== undefined) {
      writeAddress(arena, CONTROL_AT + CMSGHDR.length, CMSGHDR.bytes + 4);
      arena.writeInt32LE(IPPROTO_IP, CONTROL_AT + CMSGHDR.level);
      arena.writeInt32LE(IP_TTL, CONTROL_AT + CMSGHDR.type);
      arena.writeInt32LE(ttl, CONTROL_AT + CMSGHDR.bytes);
      writeAddress(arena, MSGHDR.control, base + CONTROL_AT);
      writeAddress(arena, MSGHDR.controllen, CONTROL_BYTES);
    }
    const flags = MSG_DONTWAIT | MSG_NOSIGNAL;
    checked(`send to ${to.address}`, packetCalls().sendmsg(this.fd, base, flags));
  }

  /** From now on as `fragments` of the settings. Throws SystemError. */
  cutUp(fragments: boolean): void {
    setFragments(this.fd, fragments);
  }

  /** How many datagrams found no room in the receive buffer, since the socket was opened. */
  dropped(): number {
    return droppedMessages(this.fd);
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    closeSync(this.fd);
  }

  private takes(option: number, value: number): boolean {
    try {
      setSocketOption(this.fd, SOL_UDP, option, value);
      return true;
    } catch (error) {
      if (error instanceof SystemError) return false;
      throw error;
    }
  }
}

const setFragments = (fd: number, fragments: boolean): void => {
  setSocketOption(fd, IPPROTO_IP, IP_MTU_DISCOVER, fragments ? IP_PMTUDISC_WANT : IP_PMTUDISC_DO);
};

/** struct sockaddr_in { u16 family; be16 port; be32 address; u8 zero[8]; } */
export function socketAddress(address: string, port: number): Buffer {
  if (!isIPv4(address)) throw new TypeError(`${address} is not an IPv4 address`);
  const name = Buffer.alloc(SOCKADDR_IN.bytes);
  name.writeUInt16LE(AF_INET, SOCKADDR_IN.family);
  name.writeUInt16BE(port, SOCKADDR_IN.port);
  name.set(address.split('.').map(Number), SOCKADDR_IN.address);
  return name;
}

/** A pointer or a size_t. */
function writeAddress(bytes: Buffer, offset: number, value: number): void {
  bytes.writeBigUInt64LE(BigInt(value), offset);
}
