/**
 * Structures of the C library, as x86-64, arm64 and riscv64 lay them out (LP64, little-endian): bits/socket.h,
 * bits/types/struct_iovec.h, netinet/in.h, sys/poll.h. Offsets in bytes.
 */

/** struct msghdr */
export const MSGHDR = { bytes: 56, name: 0, namelen: 8, iov: 16, iovlen: 24, control: 32, controllen: 40, flags: 48 };
/** struct mmsghdr: a msghdr and what became of it */
export const MMSGHDR = { bytes: 64, length: 56 };
export const IOVEC = { bytes: 16, base: 0, length: 8 };
export const POLLFD = { bytes: 8, fd: 0, events: 4, revents: 6 };
/** struct cmsghdr, in front of data; the next one begins at a multiple of 8. */
export const CMSGHDR = { bytes: 16, length: 0, level: 8, type: 12 };
/** struct sockaddr_in; port and address in network order */
export const SOCKADDR_IN = { bytes: 16, family: 0, port: 2, address: 4 };
