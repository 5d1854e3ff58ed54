/**
 * A UDP socket that finds out how large packets may be on the way to a host: what is sent by it is never fragmented, and
 * what the network says about that is heard (ip(7): IP_MTU_DISCOVER, IP_RECVERR, IP_MTU).
 */
import { closeSync } from 'node:fs';
import { isIPv4 } from 'node:net';
import { errnoName } from './errno.js';
import { SystemError } from './errors.js';
import { checked, libc } from './libc.js';
import { getSocketOption, setSocketOption, SOL_SOCKET } from './socket-options.js';

/** bits/socket.h, linux/in.h, linux/asm-generic/socket.h */
const AF_INET = 2;
const SOCK_DGRAM = 2;
const SOCK_CLOEXEC = 0x80000;
const SO_ERROR = 4;
const SO_BINDTODEVICE = 25;
const IPPROTO_IP = 0;
const IP_MTU_DISCOVER = 10;
const IP_RECVERR = 11;
const IP_MTU = 14;
const IP_PMTUDISC_DO = 2;
const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;
const SOCKADDR_IN_BYTES = 16;
/** Headers of IPv4 (RFC 791) and UDP (RFC 768). */
const HEADER_BYTES = 28;

/** `sent` is on its way, or was lost; `too-long` did not leave; any other error by its name. */
export type ProbeOutcome = 'sent' | 'too-long' | { readonly refused: string };

export class PathProbe {
  private readonly fd: number;
  private readonly target: Buffer;
  private closed = false;

  private constructor(fd: number, target: Buffer) {
    this.fd = fd;
    this.target = target;
  }

  /** Throws SystemError: ENETUNREACH without a route. */
  static open(address: string, port: number, device?: string): PathProbe {
    if (!isIPv4(address)) throw new TypeError(`${address} is not an IPv4 address`);
    const target = Buffer.alloc(SOCKADDR_IN_BYTES);
    target.writeUInt16LE(AF_INET, 0);
    target.writeUInt16BE(port, 2);
    target.set(address.split('.').map(Number), 4);
    const fd = checked('open a UDP socket', libc().socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    try {
      if (device !== undefined) {
        const name = Buffer.from(`${device}\0`);
        checked(`bind to ${device}`, libc().setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, name, name.length));
      }
      setSocketOption(fd, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DO);
      setSocketOption(fd, IPPROTO_IP, IP_RECVERR, 1);
      checked(`connect to ${address}`, libc().connect(fd, target, target.length));
      return new PathProbe(fd, target);
    } catch (error) {
      closeSync(fd);
      throw error;
    }
  }

  /** Bytes of the largest packet that the way takes, as far as the kernel knows by now. Throws SystemError. */
  mtu(): number {
    return getSocketOption(this.fd, IPPROTO_IP, IP_MTU, 4).readInt32LE();
  }

  /** Sends one packet of this whole length, zeros behind its headers. */
  send(packetBytes: number): ProbeOutcome {
    const payload = Buffer.alloc(Math.max(0, packetBytes - HEADER_BYTES));
    const { fd, target } = this;
    try {
      const flags = MSG_DONTWAIT | MSG_NOSIGNAL;
      checked('send a probe', libc().sendto(fd, payload, payload.length, flags, target, target.length));
      return 'sent';
    } catch (error) {
      if (!(error instanceof SystemError)) throw error;
      return error.code === 'EMSGSIZE' ? 'too-long' : { refused: error.code };
    }
  }

  /**
   * What the network said since it was last asked, by the error's name: EMSGSIZE of a packet that was too long,
   * ECONNREFUSED where one reached its host and nobody listens there. Undefined where it said nothing.
   */
  complaint(): string | undefined {
    const errno = getSocketOption(this.fd, SOL_SOCKET, SO_ERROR, 4).readInt32LE();
    return errno === 0 ? undefined : errnoName(errno);
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    closeSync(this.fd);
  }
}
