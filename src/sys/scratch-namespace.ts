/**
 * A network namespace of its own to try things in. It is empty, nothing of the host is seen or touched from it, and it
 * goes, with all that was made in it, when the last descriptor that was opened in it is closed.
 */
import { closeSync, openSync } from 'node:fs';
import { checked, libc } from './libc.js';

/** linux/sched.h */
const CLONE_NEWNET = 0x40000000;
/** Of the calling thread, which may be in another namespace than the rest of the process. */
const OWN_NAMESPACE = '/proc/thread-self/ns/net';

export class ScratchNamespace {
  private readonly fd: number;
  private closed = false;

  private constructor(fd: number) {
    this.fd = fd;
  }

  /** Needs CAP_SYS_ADMIN. Throws SystemError, or what `libc()` throws. */
  static open(): ScratchNamespace {
    const make = (): number => checked('make a network namespace', libc().unshare(CLONE_NEWNET));
    return new ScratchNamespace(away(make, () => openSync(OWN_NAMESPACE, 'r')));
  }

  /**
   * Runs synchronous code with the calling thread inside. Sockets opened by it stay inside and are used from outside;
   * what it leaves to be done later happens outside.
   */
  inside<T>(action: () => T): T {
    const enter = (): number => checked('enter a network namespace', libc().setns(this.fd, CLONE_NEWNET));
    return away(enter, action);
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    closeSync(this.fd);
  }
}

/** Leaves the thread's namespace by `leave`, which throws where it can't, and comes back behind `action`. */
function away<T>(leave: () => unknown, action: () => T): T {
  const home = openSync(OWN_NAMESPACE, 'r');
  try {
    leave();
    try {
      return action();
    } finally {
      // Who could leave can come back. Should it fail all the same, nothing may go on in the wrong namespace.
      if (libc().setns(home, CLONE_NEWNET) !== 0) process.abort();
    }
  } finally {
    closeSync(home);
  }
}
