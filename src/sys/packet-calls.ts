/**
 * The system calls of a packet loop. Pointers are plain numbers, so that a call costs next to nothing on top of the
 * kernel's work: what they point to must lie in an arena that outlives the call and everything in the kernel's
 * structures that names it (see `addressOf`). A result below 0 means that `lastErrno()` says why.
 */
import { cFunction } from './libc.js';

export interface PacketCalls {
  poll(fds: number, count: number, timeoutMs: number): number;
  read(fd: number, to: number, bytes: number): number;
  writev(fd: number, iovecs: number, count: number): number;
  recvmmsg(fd: number, messages: number, count: number, flags: number, timeout: number): number;
  sendmmsg(fd: number, messages: number, count: number, flags: number): number;
  recvmsg(fd: number, message: number, flags: number): number;
  sendmsg(fd: number, message: number, flags: number): number;
}

export const POLLIN = 1;
export const POLLOUT = 4;
export const POLLERR = 8;
export const POLLHUP = 16;
export const POLLNVAL = 32;

export const MSG_DONTWAIT = 0x40;
export const MSG_NOSIGNAL = 0x4000;

let calls: PacketCalls | undefined;

/** Throws what `libc()` throws. */
export function packetCalls(): PacketCalls {
  return (calls ??= {
    poll: cFunction('int poll(uintptr_t fds, unsigned long count, int timeoutMs)'),
    read: cFunction('long read(int fd, uintptr_t to, size_t bytes)'),
    writev: cFunction('long writev(int fd, uintptr_t iovecs, int count)'),
    recvmmsg: cFunction('int recvmmsg(int fd, uintptr_t messages, unsigned int count, int flags, uintptr_t timeout)'),
    sendmmsg: cFunction('int sendmmsg(int fd, uintptr_t messages, unsigned int count, int flags)'),
    recvmsg: cFunction('long recvmsg(int fd, uintptr_t message, int flags)'),
    sendmsg: cFunction('long sendmsg(int fd, uintptr_t message, int flags)'),
  });
}
