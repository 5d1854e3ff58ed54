/** What the kernel counts for each packet queue, in /proc/net/netfilter/nfnetlink_queue. */
import { closeSync, openSync, readSync } from 'node:fs';

const TABLE = '/proc/thread-self/net/netfilter/nfnetlink_queue';
/** Some 80 bytes for each of at most 65536 queues. */
const MAX_TABLE_BYTES = 8 << 20;
const READ_BYTES = 4096;

export interface QueueCounters {
  readonly queueNumber: number;
  /** Port of the socket that has it, usually the process id of its owner. */
  readonly portId: number;
  /** Packets that wait for a verdict. */
  readonly waiting: number;
  /** Dropped because too many were waiting. */
  readonly queueDropped: number;
  /** Dropped because the socket's receive buffer was full. */
  readonly userDropped: number;
}

/** The table of the network namespace that the thread was in when it was opened. */
export class QueueTable {
  private fd: number | undefined;

  private constructor(fd: number | undefined) {
    this.fd = fd;
  }

  /** Empty for good where the module nfnetlink_queue isn't loaded, or where only root may read the table and we aren't. */
  static open(): QueueTable {
    try {
      return new QueueTable(openSync(TABLE, 'r'));
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? error.code : undefined;
      if (code === 'ENOENT' || code === 'EACCES') return new QueueTable(undefined);
      throw error;
    }
  }

  find(queueNumber: number): QueueCounters | undefined {
    return this.read().find((queue) => queue.queueNumber === queueNumber);
  }

  close(): void {
    if (this.fd !== undefined) closeSync(this.fd);
    this.fd = undefined;
  }

  private read(): QueueCounters[] {
    if (this.fd === undefined) return [];
    let table = '';
    const chunk = Buffer.alloc(READ_BYTES);
    while (table.length < MAX_TABLE_BYTES) {
      const length = readSync(this.fd, chunk, 0, chunk.length, table.length);
      if (length === 0) break;
      table += chunk.toString('latin1', 0, length);
    }
    return parseQueueCounters(table);
  }
}

/** queue number, port id, waiting, copy mode, copy range, queue dropped, user dropped, last packet id, 1 */
export function parseQueueCounters(table: string): QueueCounters[] {
  return table.split('\n').flatMap((line) => {
    const columns = line.trim().split(/\s+/).map(Number);
    const [queueNumber, portId, waiting, , , queueDropped, userDropped] = columns;
    if (queueNumber === undefined || portId === undefined || waiting === undefined) return [];
    if (queueDropped === undefined || userDropped === undefined) return [];
    return [{ queueNumber, portId: portId >>> 0, waiting, queueDropped, userDropped }];
  });
}
