/**
 * Notices that a socket has lost messages. The kernel counts them and says nothing, so the count is looked at whenever
 * something arrives, and from time to time for the case that nothing does.
 */
import type { NetlinkSocket } from './socket.js';

export class OverrunWatch {
  private readonly socket: NetlinkSocket;
  private readonly onOverrun: (lostMessages: number) => void;
  private readonly timer: NodeJS.Timeout;
  private known: number;

  /** `onOverrun` is told how many were lost since it was last told. */
  constructor(socket: NetlinkSocket, intervalMs: number, onOverrun: (lostMessages: number) => void) {
    this.socket = socket;
    this.onOverrun = onOverrun;
    this.known = socket.droppedCount();
    this.timer = setInterval(() => {
      this.check();
    }, intervalMs).unref();
  }

  check(): void {
    // The kernel's counter has 32 bits.
    const lost = (this.socket.droppedCount() - this.known) >>> 0;
    if (lost === 0) return;
    this.known = (this.known + lost) >>> 0;
    this.onOverrun(lost);
  }

  stop(): void {
    clearInterval(this.timer);
  }
}
