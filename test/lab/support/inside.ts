import { closeSync, openSync } from 'node:fs';
import koffi from 'koffi';

const CLONE_NEWNET = 0x40000000;

const setns = koffi.load(null).func('int setns(int fd, int type)') as (fd: number, type: number) => number;

function enter(fd: number): void {
  if (setns(fd, CLONE_NEWNET) < 0) throw new Error(`setns: errno ${koffi.errno()}`);
}

/**
 * Calls `make` with this thread inside the network namespace: sockets made and processes started in it, synchronously,
 * belong there and stay there. What Node itself puts off (`bind`, `connect`, `listen` with a host) would miss the moment.
 * A process started so costs half of one that goes there by nsenter(1) or `ip -n`, which are programs to be started first.
 */
export function inside<T>(ns: { readonly path: string }, make: () => T): T {
  const home = openSync('/proc/thread-self/ns/net', 'r');
  try {
    const there = openSync(ns.path, 'r');
    try {
      enter(there);
    } finally {
      closeSync(there);
    }
    try {
      return make();
    } finally {
      enter(home);
    }
  } finally {
    closeSync(home);
  }
}
