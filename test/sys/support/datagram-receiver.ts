import { closeSync } from 'node:fs';
import { createRequire } from 'node:module';
import type * as Koffi from 'koffi';
import { checked, libc } from '../../../src/sys/libc.js';

const AF_UNIX = 1;
const SOCK_DGRAM = 2;
const MSG_PEEK = 0x02;
const MSG_DONTWAIT = 0x40;

const library = (createRequire(import.meta.url)('koffi') as typeof Koffi).load(null);
const bind = library.func('int bind(int fd, const void *address, uint32_t length)') as (
  fd: number,
  address: Uint8Array,
  length: number,
) => number;
const recv = library.func('long recv(int fd, void *buffer, size_t length, int flags)') as (
  fd: number,
  buffer: Uint8Array,
  length: number,
  flags: number,
) => number;

/** A datagram socket as the service manager has one, at a path or, behind `@`, an abstract name. */
export class DatagramReceiver {
  private readonly fd: number;

  constructor(name: string) {
    const path = name.startsWith('@') ? `\0${name.slice(1)}` : `${name}\0`;
    const address = Buffer.from(`\x01\0${path}`); // u16 AF_UNIX, path (unix(7))
    this.fd = checked('socket', libc().socket(AF_UNIX, SOCK_DGRAM, 0));
    checked('bind', bind(this.fd, address, address.length));
  }

  /** The next datagram; a unix socket has what was sent as soon as it has been sent. */
  take(): string {
    const buffer = Buffer.alloc(4096);
    return buffer.toString('utf8', 0, checked('recv', recv(this.fd, buffer, buffer.length, MSG_DONTWAIT)));
  }

  pending(): boolean {
    return recv(this.fd, Buffer.alloc(1), 1, MSG_DONTWAIT | MSG_PEEK) >= 0;
  }

  close(): void {
    closeSync(this.fd);
  }
}
