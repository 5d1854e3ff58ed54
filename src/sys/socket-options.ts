/** Socket options by file descriptor: Node offers them for its own sockets only, and only a few. */
import { checked, libc } from './libc.js';
import { SystemError } from './errors.js';

/** linux/asm-generic/socket.h */
export const SOL_SOCKET = 1;
export const SO_SNDBUF = 7;
export const SO_RCVBUF = 8;
export const SO_SNDBUFFORCE = 32;
export const SO_RCVBUFFORCE = 33;
export const SO_MEMINFO = 55;

/** linux/sock_diag.h: where in the u32 array of SO_MEMINFO the count of dropped messages stands. */
const SK_MEMINFO_DROPS = 8;
const SK_MEMINFO_VARS = 9;

/** Sets an option whose value is an int. Throws SystemError. */
export function setSocketOption(fd: number, level: number, name: number, value: number): void {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32LE(value);
  checked('setsockopt', libc().setsockopt(fd, level, name, bytes, bytes.length));
}

/** Reads an option into a new buffer of at most `size` bytes. Throws SystemError. */
export function getSocketOption(fd: number, level: number, name: number, size: number): Buffer {
  const bytes = Buffer.alloc(size);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(size);
  checked('getsockopt', libc().getsockopt(fd, level, name, bytes, length));
  return bytes.subarray(0, length.readUInt32LE());
}

/**
 * Sizes a buffer beyond the system's limit where the process may (CAP_NET_ADMIN), up to the limit where it may not.
 * The kernel doubles the number for its own bookkeeping.
 */
export function forceBufferSize(fd: number, direction: 'receive' | 'send', bytes: number): void {
  const [forced, plain] = direction === 'receive' ? [SO_RCVBUFFORCE, SO_RCVBUF] : [SO_SNDBUFFORCE, SO_SNDBUF];
  try {
    setSocketOption(fd, SOL_SOCKET, forced, bytes);
  } catch (error) {
    if (!(error instanceof SystemError) || error.code !== 'EPERM') throw error;
    setSocketOption(fd, SOL_SOCKET, plain, bytes);
  }
}

/** How many messages the kernel has dropped for want of room in this socket's receive buffer, since it was opened. */
export function droppedMessages(fd: number): number {
  const counters = getSocketOption(fd, SOL_SOCKET, SO_MEMINFO, SK_MEMINFO_VARS * 4);
  return counters.readUInt32LE(SK_MEMINFO_DROPS * 4);
}
