/** A packet queue of netfilter: packets come here for a verdict. Without a listener the queue's packets are dropped. */
import { NETLINK_NETFILTER, NLMSG_ERROR } from '../constants.js';
import { decodeAcknowledgement } from '../acknowledgement.js';
import { isKernelError, KernelError, NetlinkError } from '../errors.js';
import type { NetlinkMessage } from '../message.js';
import { NetlinkSocket } from '../socket.js';
import { PACKET_OVERHEAD_BYTES } from './constants.js';
import { QueueTable } from './counters.js';
import {
  CONFIG_MESSAGE,
  decodeQueuedPacket,
  encodeQueueBinding,
  encodeVerdict,
  PACKET_MESSAGE,
  type QueueConfiguration,
  type QueuedPacket,
  type Verdict,
} from './message.js';

/** Verdicts that go to the kernel in one system call. */
const VERDICTS_PER_SEND = 64;
const RECEIVE_BUFFER_BYTES = 8 << 20;

export interface PacketQueueOptions extends QueueConfiguration {
  readonly queueNumber: number;
  /** Room for packets that this process hasn't read yet. Default 8 MiB. */
  readonly receiveBufferBytes?: number;
  /** Given all packets that arrived in one turn of the event loop. Each needs a verdict, at any time. */
  readonly onPackets: (packets: QueuedPacket[]) => void;
  /** Told of an `onPackets` that throws, of packets that can't be read and of verdicts that the kernel refuses. */
  readonly onError: (error: Error) => void;
}

/** Another socket has the queue. */
export class QueueTakenError extends Error {
  override readonly name = 'QueueTakenError';
  readonly code = 'QUEUE_TAKEN';
  readonly queueNumber: number;
  /** Usually the other's process id. */
  readonly holderPortId: number;

  constructor(queueNumber: number, holderPortId: number, options: ErrorOptions) {
    super(`packet queue ${queueNumber} is taken by another process (netlink port ${holderPortId})`, options);
    this.queueNumber = queueNumber;
    this.holderPortId = holderPortId;
  }
}

export class PacketQueue {
  private readonly options: PacketQueueOptions;
  private readonly socket: NetlinkSocket;
  private readonly table: QueueTable;
  private pending: Buffer[] = [];
  private flushPlanned = false;
  /** Packets may arrive together with the answer to the binding, before the caller has the queue to decide on them. */
  private early: QueuedPacket[] | undefined = [];
  private closed = false;

  private constructor(options: PacketQueueOptions, socket: NetlinkSocket, table: QueueTable) {
    this.options = options;
    this.socket = socket;
    this.table = table;
    socket.onMessages((messages) => {
      this.take(messages);
    });
  }

  /** Takes the queue. Rejects with QueueTakenError, or KernelError (EPERM without CAP_NET_ADMIN). */
  static async open(options: PacketQueueOptions): Promise<PacketQueue> {
    const { queueNumber, copyRangeBytes, onError } = options;
    const socket = NetlinkSocket.open(NETLINK_NETFILTER, {
      receiveBufferBytes: options.receiveBufferBytes ?? RECEIVE_BUFFER_BYTES,
      fixedMessageBytes: copyRangeBytes + PACKET_OVERHEAD_BYTES,
      onError,
    });
    const binding = socket.request(
      { type: CONFIG_MESSAGE, flags: 0, body: encodeQueueBinding(queueNumber, options) },
      { op: 'bind packet queue', object: String(queueNumber) },
    );
    // The request has loaded the module that the table belongs to.
    const queue = new PacketQueue(options, socket, QueueTable.open());
    try {
      await binding;
    } catch (error) {
      const holder = isKernelError(error, 'EPERM', 'EBUSY') ? queue.table.find(queueNumber) : undefined;
      queue.close();
      throw holder === undefined ? error : new QueueTakenError(queueNumber, holder.portId, { cause: error });
    }
    setImmediate(() => {
      queue.release();
    });
    return queue;
  }

  /** Decides on a packet. Sent at the end of `onPackets`, or at the end of this turn of the event loop. */
  verdict(id: number, verdict: Verdict): void {
    if (this.closed) throw new NetlinkError('NETLINK_CLOSED', `packet queue ${this.options.queueNumber} is closed`);
    this.pending.push(encodeVerdict(this.options.queueNumber, id, verdict));
    if (this.pending.length >= VERDICTS_PER_SEND) this.flush();
    if (this.flushPlanned) return;
    this.flushPlanned = true;
    setImmediate(() => {
      this.flushPlanned = false;
      this.flush();
    });
  }

  /** How many packets the kernel has dropped: because too many waited, and because we didn't read in time. */
  dropCounts(): { queueDropped: number; userDropped: number } {
    const counters = this.table.find(this.options.queueNumber);
    return { queueDropped: counters?.queueDropped ?? 0, userDropped: counters?.userDropped ?? 0 };
  }

  /** Gives the queue up. Packets without a verdict are dropped by the kernel. */
  close(): void {
    if (this.closed) return;
    this.flush();
    this.closed = true;
    this.table.close();
    this.socket.close();
  }

  private take(messages: readonly NetlinkMessage[]): void {
    const packets: QueuedPacket[] = [];
    for (const message of messages) {
      if (message.type === PACKET_MESSAGE) {
        const packet = decodeQueuedPacket(message.body);
        if (packet !== undefined) packets.push(packet);
        else this.options.onError(new NetlinkError('NETLINK_MALFORMED', 'unreadable packet from the packet queue'));
      } else if (message.type === NLMSG_ERROR) {
        this.refused(message);
      }
    }
    if (this.early !== undefined) this.early.push(...packets);
    else this.deliver(packets);
  }

  private release(): void {
    const packets = this.early ?? [];
    this.early = undefined;
    try {
      this.deliver(packets);
    } catch (error) {
      this.options.onError(error instanceof Error ? error : new Error(String(error)));
    }
  }

  private deliver(packets: QueuedPacket[]): void {
    if (packets.length === 0 || this.closed) return;
    try {
      this.options.onPackets(packets);
    } finally {
      this.flush();
    }
  }

  private refused(message: NetlinkMessage): void {
    const acknowledgement = decodeAcknowledgement(message);
    if (acknowledgement === undefined || acknowledgement.errno === 0) return;
    const object = `a packet of queue ${this.options.queueNumber}`;
    this.options.onError(new KernelError({ op: 'give a verdict on', object }, acknowledgement));
  }

  private flush(): void {
    if (this.pending.length === 0 || this.closed) return;
    const verdicts = this.pending;
    this.pending = [];
    this.socket.send(Buffer.concat(verdicts));
  }
}
