/**
 * Has devices take in all multicast frames, also those of groups that nobody has joined, for as long as this is open
 * (packet(7), PACKET_MR_ALLMULTI). The kernel counts who wants it, so nothing has to be put back, not even after a crash.
 */
import { closeSync } from 'node:fs';
import { checked, libc } from './libc.js';

/** bits/socket.h, linux/if_packet.h */
const AF_PACKET = 17;
const SOCK_RAW = 3;
const SOCK_CLOEXEC = 0x80000;
const SOL_PACKET = 263;
const PACKET_ADD_MEMBERSHIP = 1;
const PACKET_MR_ALLMULTI = 2;

export class MulticastReception {
  private readonly fd: number;
  private closed = false;

  private constructor(fd: number) {
    this.fd = fd;
  }

  /** Needs CAP_NET_RAW. Throws SystemError. */
  static open(): MulticastReception {
    // Protocol 0: the socket itself receives nothing.
    return new MulticastReception(
      checked('open a packet socket', libc().socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0)),
    );
  }

  /** By the index of the device, in the network namespace it was opened in; ends with the device too. Throws SystemError. */
  add(deviceIndex: number): void {
    // struct packet_mreq { int ifindex; u16 type; u16 alen; u8 address[8]; }
    const request = Buffer.alloc(16);
    request.writeInt32LE(deviceIndex, 0);
    request.writeUInt16LE(PACKET_MR_ALLMULTI, 4);
    const added = libc().setsockopt(this.fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, request, request.length);
    checked('receive all multicast', added);
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    closeSync(this.fd);
  }
}
