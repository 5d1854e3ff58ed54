/** The native socket of the npm package `netlink`, loaded when first needed, and its file descriptor. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import type * as Raw from 'netlink/dist/raw.js';
import { NetlinkError } from './errors.js';

export type RawNetlinkSocket = Raw.RawNetlinkSocket;
/** The package declares the buffer sizes as required, its code doesn't require them. */
type RawOptions = Partial<Raw.RawNetlinkSocketOptions>;
type RawConstructor = new (protocol: number, options?: RawOptions) => RawNetlinkSocket;

let constructor: RawConstructor | undefined;

/** Opens and binds a socket. Throws NetlinkError where the package's binary or the protocol is missing. */
export function openRawSocket(protocol: number, options: RawOptions): RawNetlinkSocket {
  try {
    // Its raw socket alone: the package's entry point would load every generated protocol as well.
    constructor ??= (createRequire(import.meta.url)('netlink/dist/raw.js') as { RawNetlinkSocket: RawConstructor })
      .RawNetlinkSocket;
    return new constructor(protocol, options);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new NetlinkError('NETLINK_UNAVAILABLE', `cannot open netlink socket of protocol ${protocol}: ${reason}`, {
      cause,
    });
  }
}

/**
 * The file descriptor of a socket of this process, which the package keeps to itself: the kernel's list of netlink
 * sockets leads from protocol and port to the inode, and /proc/self/fd from there to the descriptor. To be called in
 * the thread and network namespace that opened the socket.
 */
export function findSocketDescriptor(protocol: number, portId: number): number {
  // sk  Eth  Pid  Groups  Rmem  Wmem  Dump  Locks  Drops  Inode
  const inode = readFileSync('/proc/thread-self/net/netlink', 'latin1')
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .find((columns) => Number(columns[1]) === protocol && Number(columns[2]) === portId)?.[9];
  const target = `socket:[${inode ?? ''}]`;
  // It has just been opened, so that it is among the last.
  for (const name of readdirSync('/proc/self/fd').reverse()) {
    if (readDescriptor(name) === target) return Number(name);
  }
  throw new NetlinkError('NETLINK_UNAVAILABLE', `netlink socket of protocol ${protocol} not found in /proc`);
}

function readDescriptor(name: string): string | undefined {
  try {
    return readlinkSync(`/proc/self/fd/${name}`);
  } catch {
    // The descriptor that listed the folder is closed by now.
    return undefined;
  }
}
