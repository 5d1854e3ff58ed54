/**
 * Messages to the service manager, as sd_notify(3) sends them: one datagram of `NAME=value` lines to the AF_UNIX socket
 * that $NOTIFY_SOCKET names. They leave by our own hand, since with NotifyAccess=main only the main process is heard.
 */
import { closeSync } from 'node:fs';
import { SystemError } from './errors.js';
import { checked, libc } from './libc.js';

/** bits/socket.h */
const AF_UNIX = 1;
const SOCK_DGRAM = 2;
const SOCK_CLOEXEC = 0x80000;
const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;

/** asm-generic/errno-base.h */
const EINVAL = 22;

/** linux/un.h: UNIX_PATH_MAX */
const UNIX_PATH_MAX = 108;

/**
 * struct sockaddr_un (unix(7)) for a socket's name as $NOTIFY_SOCKET spells it, undefined for one that can't be meant:
 *
 *     /a/path      u16 AF_UNIX  path 00        at most 107 bytes of path
 *     @abstract    u16 AF_UNIX  00 name        the length tells where the name ends
 */
export function unixAddress(name: string): Buffer | undefined {
  const bytes = Buffer.from(name);
  if (!/^[/@]./s.test(name) || bytes.includes(0)) return undefined;
  const path = name.startsWith('@') ? Buffer.concat([Buffer.of(0), bytes.subarray(1)]) : Buffer.from(`${name}\0`);
  if (path.length > UNIX_PATH_MAX) return undefined;
  const family = Buffer.alloc(2);
  family.writeUInt16LE(AF_UNIX);
  return Buffer.concat([family, path]);
}

export class NotifySocket {
  private readonly fd: number;
  private readonly address: Buffer;
  private closed = false;

  private constructor(fd: number, address: Buffer) {
    this.fd = fd;
    this.address = address;
  }

  /** Throws SystemError; EINVAL for a name that is neither an absolute path nor `@` and an abstract name. */
  static open(name: string): NotifySocket {
    const address = unixAddress(name);
    if (address === undefined) throw new SystemError(`notify ${name}`, EINVAL);
    return new NotifySocket(
      checked('open a unix socket', libc().socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)),
      address,
    );
  }

  /**
   * Sends the lines in one datagram; a line feed within a value would begin another line, and becomes a blank. Throws
   * SystemError: ENOENT and ECONNREFUSED where nobody listens, EAGAIN where the receiver doesn't come round to reading.
   */
  send(fields: Readonly<Record<string, string>>): void {
    const lines = Object.entries(fields).map(([name, value]) => `${name}=${value.replaceAll(/[\r\n]+/g, ' ')}`);
    const message = Buffer.from(lines.join('\n'));
    const { fd, address } = this;
    // Waiting is not for us: a service manager that hangs must not stop a tunnel.
    const flags = MSG_NOSIGNAL | MSG_DONTWAIT;
    checked('notify the service manager', libc().sendto(fd, message, message.length, flags, address, address.length));
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    closeSync(this.fd);
  }
}
