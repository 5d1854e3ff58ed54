/**
 * The few functions of the C library that Node lacks, called through koffi.
 *
 * Lengths are not checked behind this line: a wrapper that passes a buffer passes its true length with it. Structures are
 * laid out by hand in Buffers, for the LP64 little-endian machines we run on.
 */
import { createRequire } from 'node:module';
import { endianness } from 'node:os';
import type * as Koffi from 'koffi';
import { SystemError } from './errors.js';

/** C functions as they are: a result below 0 means that errno says why; `checked` turns it into an error. */
export interface Libc {
  socket(domain: number, type: number, protocol: number): number;
  sendto(
    fd: number,
    message: Uint8Array,
    length: number,
    flags: number,
    address: Uint8Array,
    addressLength: number,
  ): number;
  setsockopt(fd: number, level: number, name: number, value: Uint8Array, length: number): number;
  /** `length` holds the size of `value` as a u32 and receives the size of what was written. */
  getsockopt(fd: number, level: number, name: number, value: Uint8Array, length: Uint8Array): number;
  bind(fd: number, address: Uint8Array, addressLength: number): number;
  listen(fd: number, backlog: number): number;
  connect(fd: number, address: Uint8Array, addressLength: number): number;
  eventfd(initial: number, flags: number): number;
  /** Variadic in C; x86-64 and arm64 pass fixed arguments in the same registers. */
  ioctl(fd: number, request: number, argument: Uint8Array): number;
  /** The same for requests whose argument is a number. */
  ioctlValue(fd: number, request: number, argument: number): number;
  /** Of the calling thread. */
  unshare(flags: number): number;
  setns(fd: number, kind: number): number;
  _exit(code: number): never;
}

export type CFunction = (...args: number[]) => number;

/** Whose struct layouts and system calls are those of layouts.ts and of this file, and that koffi has a binary for. */
const ARCHITECTURES: readonly string[] = ['x64', 'arm64'];

let koffi: typeof Koffi | undefined;
let library: Koffi.LibraryHandle | undefined;
let functions: Libc | undefined;

/** The C library, loaded at the first call. Throws a plain Error in words for the user where that can't work. */
export function libc(): Libc {
  return (functions ??= load());
}

/**
 * Passes a result through, or throws SystemError for one below 0. Write the C call itself as the argument: errno
 * belongs to the last call made by the thread.
 */
export function checked(operation: string, result: number): number {
  if (result >= 0) return result;
  throw new SystemError(operation, koffi?.errno() ?? 0);
}

/** A function of the C library, of numbers only, by its prototype. Throws where it has none of that name, and what `libc()` throws. */
export const cFunction = (prototype: string): CFunction => loadLibrary().func(prototype) as CFunction;

/** The errno of this thread. To be read in the very next statement behind a call that failed. */
export const lastErrno = (): number => koffi?.errno() ?? 0;

/**
 * Where a buffer lies in the process. The number doesn't keep the buffer: whoever writes it down somewhere keeps the
 * buffer for as long, and never resizes or transfers it.
 */
export function addressOf(bytes: Uint8Array): number {
  loadLibrary();
  // User space ends far below 2^53.
  return Number(koffi?.address(bytes) ?? 0);
}

/** Why this machine can't run the program, or undefined where it can. */
export function unsupportedPlatform(platform: string, architecture: string, byteOrder: string): string | undefined {
  if (platform !== 'linux') return `ipipou-ts needs Linux, this is ${platform}`;
  if (!ARCHITECTURES.includes(architecture) || byteOrder !== 'LE') {
    return `ipipou-ts needs an x86-64 or arm64 machine, this is ${architecture} (${byteOrder})`;
  }
  return undefined;
}

/** The version of glibc, by a function that no other C library has; undefined where this is another one. */
export function glibcVersion(library: Pick<Koffi.LibraryHandle, 'func'>): string | undefined {
  try {
    return (library.func('const char *gnu_get_libc_version()') as () => string)();
  } catch {
    return undefined;
  }
}

function loadLibrary(): Koffi.LibraryHandle {
  if (library !== undefined) return library;
  const unsupported = unsupportedPlatform(process.platform, process.arch, endianness());
  if (unsupported !== undefined) throw new Error(unsupported);
  try {
    koffi = createRequire(import.meta.url)('koffi') as typeof Koffi;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message.split('\n', 1)[0] : String(cause);
    throw new Error(
      `the npm package koffi cannot be loaded (${reason}): install with optional dependencies, which bring its binary for ${process.arch}`,
      { cause },
    );
  }
  const found = koffi.load(null);
  if (glibcVersion(found) === undefined) {
    throw new Error('ipipou-ts needs a Node.js that runs on glibc, this one runs on another C library (musl?)');
  }
  return (library = found);
}

function load(): Libc {
  const library = loadLibrary();
  return {
    socket: library.func('int socket(int domain, int type, int protocol)') as Libc['socket'],
    sendto: library.func(
      'long sendto(int fd, const void *message, size_t length, int flags, const void *address, uint32_t addressLength)',
    ) as Libc['sendto'],
    setsockopt: library.func(
      'int setsockopt(int fd, int level, int name, const void *value, uint32_t length)',
    ) as Libc['setsockopt'],
    getsockopt: library.func(
      'int getsockopt(int fd, int level, int name, void *value, void *length)',
    ) as Libc['getsockopt'],
    bind: library.func('int bind(int fd, const void *address, uint32_t addressLength)') as Libc['bind'],
    listen: library.func('int listen(int fd, int backlog)') as Libc['listen'],
    connect: library.func('int connect(int fd, const void *address, uint32_t addressLength)') as Libc['connect'],
    eventfd: library.func('int eventfd(unsigned int initial, int flags)') as Libc['eventfd'],
    ioctl: library.func('int ioctl(int fd, unsigned long request, void *argument)') as Libc['ioctl'],
    ioctlValue: library.func('int ioctl(int fd, unsigned long request, unsigned long argument)') as Libc['ioctlValue'],
    unshare: library.func('int unshare(int flags)') as Libc['unshare'],
    setns: library.func('int setns(int fd, int kind)') as Libc['setns'],
    _exit: library.func('void _exit(int code)') as unknown as Libc['_exit'],
  };
}
