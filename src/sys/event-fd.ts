/** A descriptor that wakes whoever polls it (eventfd(2)). */
import { closeSync, writeSync } from 'node:fs';
import { checked, libc } from './libc.js';

/** sys/eventfd.h */
const EFD_CLOEXEC = 0x80000;
const EFD_NONBLOCK = 0x800;

export class EventFd {
  readonly fd: number;
  private closed = false;
  private readonly one = Buffer.alloc(8);

  private constructor(fd: number) {
    this.fd = fd;
    this.one.writeBigUInt64LE(1n);
  }

  /** Throws SystemError. */
  static open(): EventFd {
    return new EventFd(checked('make an eventfd', libc().eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)));
  }

  /** It is readable from now on, until it is read. */
  wake(): void {
    writeSync(this.fd, this.one);
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    closeSync(this.fd);
  }
}
