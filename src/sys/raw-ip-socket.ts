/**
 * A socket that sends whole IPv4 packets (raw(7), IP_HDRINCL), for packets that must leave from a port which belongs to
 * a socket of the kernel's. It receives nothing.
 */
import { closeSync } from 'node:fs';
import { isIPv4 } from 'node:net';
import { checked, libc } from './libc.js';
import { SOL_SOCKET } from './socket-options.js';

/** bits/socket.h, netinet/in.h, linux/asm-generic/socket.h */
const AF_INET = 2;
const SOCK_RAW = 3;
const SOCK_CLOEXEC = 0x80000;
const IPPROTO_RAW = 255;
const SO_BINDTODEVICE = 25;
const MSG_DONTWAIT = 0x40;

export class RawIpSocket {
  private readonly fd: number;
  private closed = false;

  private constructor(fd: number) {
    this.fd = fd;
  }

  /** Needs CAP_NET_RAW; with `device` packets leave through that one only. Throws SystemError. */
  static open(device?: string): RawIpSocket {
    const fd = checked('open a raw socket', libc().socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW));
    const socket = new RawIpSocket(fd);
    if (device === undefined) return socket;
    try {
      const name = Buffer.from(`${device}\0`);
      checked(`bind a raw socket to ${device}`, libc().setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, name, name.length));
      return socket;
    } catch (error) {
      socket.close();
      throw error;
    }
  }

  /**
   * Sends a packet, IP header first, to a dotted address. Where its source is 0.0.0.0 the kernel chooses one. Throws
   * SystemError: EPERM for a firewall's drop, ENETUNREACH without a route, EAGAIN for a full queue.
   */
  send(packet: Buffer, destination: string): void {
    if (!isIPv4(destination)) throw new TypeError(`${destination} is not an IPv4 address`);
    // struct sockaddr_in { u16 family; be16 port; be32 address; u8 zero[8]; }
    const target = Buffer.alloc(16);
    target.writeUInt16LE(AF_INET, 0);
    target.set(destination.split('.').map(Number), 4);
    checked(
      `send to ${destination}`,
      libc().sendto(this.fd, packet, packet.length, MSG_DONTWAIT, target, target.length),
    );
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    closeSync(this.fd);
  }
}
