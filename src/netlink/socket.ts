/**
 * A netlink socket that can be lived with: requests as promises, batches, multicast, overruns that are counted.
 *
 * Native callbacks only put aside what arrived; everything else happens in one `setImmediate` after them. The native
 * code ends the whole process if anything is thrown below it, be it by a listener or by a tick or microtask that the
 * listener left behind, and it crashes if its socket is closed below it.
 */
import { droppedMessages, forceBufferSize, setSocketOption } from '../sys/socket-options.js';
import { SystemError } from '../sys/errors.js';
import {
  NETLINK_CAP_ACK,
  NETLINK_EXT_ACK,
  NETLINK_GET_STRICT_CHK,
  NETLINK_NETFILTER,
  NETLINK_NO_ENOBUFS,
  NFNL_MSG_BATCH_BEGIN,
  NFNL_MSG_BATCH_END,
  NLM_F_ACK,
  NLM_F_DUMP,
  NLM_F_REQUEST,
  SOL_NETLINK,
} from './constants.js';
import { NetlinkError, type RequestSubject } from './errors.js';
import { decodeMessages, encodeMessage, type NetlinkMessage } from './message.js';
import { findSocketDescriptor, openRawSocket, type RawNetlinkSocket } from './raw-socket.js';
import { PendingRequests } from './pending-requests.js';
import type { Outcome } from './reply-collector.js';

const DEFAULT_TIMEOUT_MS = 5000;
/** How often a dump is made again because what it shows changed under it. */
const MAX_DUMP_ATTEMPTS = 10;

export interface NetlinkSocketOptions {
  /** Multicast groups to join, by number (RTNLGRP_*, NFNLGRP_*). */
  readonly groups?: readonly number[];
  /** Default: the system's. Larger than the system's limit only with CAP_NET_ADMIN. */
  readonly receiveBufferBytes?: number;
  readonly sendBufferBytes?: number;
  /** Read with a buffer of this size: one system call a datagram instead of two. What is longer is lost. */
  readonly fixedMessageBytes?: number;
  /** Have the kernel check dump requests strictly and filter by their attributes (Linux 4.20). */
  readonly strictCheck?: boolean;
  /** How long a request may wait for its answer, if it doesn't say so itself. Default 5000. */
  readonly timeoutMs?: number;
  /** Told of listeners that throw and of what can't be read. By default such an error is thrown, outside any caller. */
  readonly onError?: (error: Error) => void;
}

/** A message to send; sequence number and, for requests, NLM_F_REQUEST and NLM_F_ACK are added. */
export interface NetlinkRequest {
  readonly type: number;
  readonly flags: number;
  readonly body: Buffer;
}

export type MessagesListener = (messages: readonly NetlinkMessage[]) => void;

interface Arrival {
  readonly datagram: Buffer;
  /** What a request of ours changed is also told to the groups, under that request's sequence number. */
  readonly multicast: boolean;
}

export class NetlinkSocket {
  readonly protocol: number;
  /** The socket's own netlink address. */
  readonly portId: number;
  private readonly raw: RawNetlinkSocket;
  private readonly fd: number;
  private readonly timeoutMs: number;
  private readonly onError: (error: Error) => void;
  private readonly pending = new PendingRequests();
  private readonly listeners = new Set<MessagesListener>();
  private arrived: (Arrival | Error)[] = [];
  private drainPlanned = false;
  private dumps: Promise<unknown> = Promise.resolve();
  private closed = false;

  private constructor(protocol: number, raw: RawNetlinkSocket, fd: number, options: NetlinkSocketOptions) {
    this.protocol = protocol;
    this.raw = raw;
    this.fd = fd;
    this.portId = raw.address().port >>> 0;
    this.timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
    this.onError = options.onError ?? throwOutside;
    raw.on('message', (datagram, sender) => {
      // Any process may send to a netlink port; the kernel's own is 0.
      if (sender.port === 0) this.put({ datagram, multicast: sender.groups !== 0 });
    });
    raw.on('truncatedMessage', (datagram, sender) => {
      if (sender.port !== 0) return;
      const sizes = `${sender.truncated ?? '?'} bytes in a buffer of ${datagram.length}`;
      this.put(new NetlinkError('NETLINK_MALFORMED', `netlink datagram cut off: ${sizes}`));
    });
    raw.on('error', (error) => {
      this.put(error);
    });
  }

  /** Opens and binds a socket. Throws NetlinkError, or SystemError for a refused option or group. */
  static open(protocol: number, options: NetlinkSocketOptions = {}): NetlinkSocket {
    const { fixedMessageBytes } = options;
    const raw = openRawSocket(
      protocol,
      fixedMessageBytes === undefined ? {} : { messagePeeking: false, msgBufferSize: fixedMessageBytes },
    );
    try {
      const fd = findSocketDescriptor(protocol, raw.address().port >>> 0);
      // Without this the first overrun ends the process inside the native code. Loss is found by droppedCount().
      setSocketOption(fd, SOL_NETLINK, NETLINK_NO_ENOBUFS, 1);
      setSocketOption(fd, SOL_NETLINK, NETLINK_EXT_ACK, 1);
      setSocketOption(fd, SOL_NETLINK, NETLINK_CAP_ACK, 1);
      if (options.strictCheck === true) setSocketOption(fd, SOL_NETLINK, NETLINK_GET_STRICT_CHK, 1);
      if (options.receiveBufferBytes !== undefined) forceBufferSize(fd, 'receive', options.receiveBufferBytes);
      if (options.sendBufferBytes !== undefined) forceBufferSize(fd, 'send', options.sendBufferBytes);
      const socket = new NetlinkSocket(protocol, raw, fd, options);
      for (const group of options.groups ?? []) raw.addMembership(group);
      return socket;
    } catch (error) {
      raw.close();
      throw error;
    }
  }

  /**
   * Sends a request and resolves with the replies once it is acknowledged, for a dump (NLM_F_DUMP) once it is whole.
   * Rejects with KernelError where the kernel refuses, NetlinkError where no answer comes, SystemError where it can't be
   * sent. The first request made in a turn of the event loop has taken effect in the kernel when this returns.
   */
  async request(
    message: NetlinkRequest,
    what: RequestSubject,
    options: { readonly timeoutMs?: number } = {},
  ): Promise<NetlinkMessage[]> {
    if ((message.flags & NLM_F_DUMP) !== NLM_F_DUMP) return await this.transact(message, what, options.timeoutMs);
    // The kernel makes one dump at a time for a socket, and answers EBUSY to the next.
    const dump = this.dumps.then(() => this.dump(message, what, options.timeoutMs));
    this.dumps = dump.catch(() => undefined);
    return await dump;
  }

  /**
   * Sends messages as one datagram and resolves with all replies once the last is acknowledged; markers of a netfilter
   * transaction (BEGIN, END) don't count as last. If any was refused, rejects with the KernelError of the first, which
   * lists the `others`. `what` names the messages one by one, markers too.
   */
  async sendBatch(
    messages: readonly NetlinkRequest[],
    what: readonly RequestSubject[],
    options: { readonly timeoutMs?: number } = {},
  ): Promise<NetlinkMessage[]> {
    if (messages.length !== what.length) throw new RangeError('each message of a batch needs a name');
    const lastIndex = messages.findLastIndex((message) => !this.isMarker(message));
    if (lastIndex < 0) return [];
    const flagged = messages.map((message, index) => ({
      ...message,
      flags: message.flags | NLM_F_REQUEST | (index === lastIndex ? NLM_F_ACK : 0),
    }));
    const outcome = await this.exchange(flagged, what, lastIndex, options.timeoutMs);
    return repliesOf(outcome, what[lastIndex]);
  }

  /** Sends finished messages, asking for nothing. What the kernel says to them nevertheless goes to the listeners. */
  send(raw: Buffer): void {
    this.assertOpen();
    this.raw.send(raw, undefined, (error) => {
      if (error !== undefined) this.put(sendFailure(error));
    });
  }

  /** Hears what arrives unasked (multicast, queued packets), message by message. Returns how to stop it. */
  onMessage(listener: (message: NetlinkMessage) => void): () => void {
    const each: MessagesListener = (messages) => {
      for (const message of messages) {
        // It may stop listening, or close the socket, at any of them.
        if (!this.listeners.has(each)) return;
        this.guard(() => {
          listener(message);
        });
      }
    };
    return this.onMessages(each);
  }

  /** Like `onMessage`, with all that arrived in one turn of the event loop at once. */
  onMessages(listener: MessagesListener): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** How many messages the kernel has dropped since the socket was opened, because its receive buffer was full. */
  droppedCount(): number {
    this.assertOpen();
    return droppedMessages(this.fd);
  }

  ref(): void {
    if (!this.closed) this.raw.ref();
  }

  /** Lets the process end although the socket is open. A request that waits still holds it. */
  unref(): void {
    if (!this.closed) this.raw.unref();
  }

  /** Rejects what waits. May be called anywhere, any number of times. */
  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.arrived = [];
    this.listeners.clear();
    this.raw.close();
    const error = new NetlinkError('NETLINK_CLOSED', 'netlink socket closed');
    this.pending.endAll({ kind: 'failed', error });
  }

  private async dump(message: NetlinkRequest, what: RequestSubject, timeoutMs?: number): Promise<NetlinkMessage[]> {
    for (let attempt = 0; attempt < MAX_DUMP_ATTEMPTS; attempt++) {
      const flags = message.flags | NLM_F_REQUEST | NLM_F_ACK;
      const outcome = await this.exchange([{ ...message, flags }], [what], 0, timeoutMs);
      if (outcome.kind !== 'interrupted') return repliesOf(outcome, what);
    }
    return repliesOf({ kind: 'interrupted' }, what);
  }

  private async transact(message: NetlinkRequest, what: RequestSubject, timeoutMs?: number): Promise<NetlinkMessage[]> {
    const flags = message.flags | NLM_F_REQUEST | NLM_F_ACK;
    return repliesOf(await this.exchange([{ ...message, flags }], [what], 0, timeoutMs), what);
  }

  private async exchange(
    messages: readonly NetlinkRequest[],
    subjects: readonly RequestSubject[],
    lastIndex: number,
    timeoutMs = this.timeoutMs,
  ): Promise<Outcome> {
    this.assertOpen();
    const request = this.pending.add(subjects, lastIndex, this.isMarker(messages[0]));
    const encoded = messages.map((message, index) =>
      encodeMessage({ ...message, sequence: request.firstSequence + index, portId: 0 }),
    );
    this.raw.send(Buffer.concat(encoded), undefined, (error) => {
      if (error === undefined) return;
      setImmediate(() => {
        request.end({ kind: 'failed', error: sendFailure(error) });
      });
    });
    const timer = setTimeout(() => {
      // The loop may have been busy that long with the answer waiting: let it read once more.
      setImmediate(() => {
        this.drain();
        request.end({ kind: 'failed', error: this.timeout(subjects[lastIndex], timeoutMs) });
      });
    }, timeoutMs);
    const outcome = await request.outcome;
    clearTimeout(timer);
    return outcome;
  }

  private isMarker(message: NetlinkRequest | undefined): boolean {
    return (
      this.protocol === NETLINK_NETFILTER &&
      (message?.type === NFNL_MSG_BATCH_BEGIN || message?.type === NFNL_MSG_BATCH_END)
    );
  }

  private put(item: Arrival | Error): void {
    this.arrived.push(item);
    if (this.drainPlanned) return;
    this.drainPlanned = true;
    setImmediate(() => {
      this.drainPlanned = false;
      this.drain();
    });
  }

  private drain(): void {
    const items = this.arrived;
    this.arrived = [];
    const unasked: NetlinkMessage[] = [];
    for (const item of items) {
      if (item instanceof Error) {
        this.report(item);
        continue;
      }
      const { messages, fault } = decodeMessages(item.datagram);
      if (fault !== undefined) this.report(new NetlinkError('NETLINK_MALFORMED', `netlink datagram: ${fault}`));
      for (const message of messages) {
        if (item.multicast || !this.answers(message)) unasked.push(message);
      }
    }
    if (unasked.length === 0) return;
    for (const listener of [...this.listeners]) {
      if (!this.listeners.has(listener)) continue;
      this.guard(() => {
        listener(unasked);
      });
    }
  }

  /** True for an answer to a request of ours, also to one that is no longer waited for. */
  private answers(message: NetlinkMessage): boolean {
    if (message.portId !== this.portId || message.sequence === 0) return false;
    this.pending.take(message);
    return true;
  }

  private guard(listener: () => void): void {
    try {
      listener();
    } catch (error) {
      this.report(error instanceof Error ? error : new Error(String(error)));
    }
  }

  private report(error: Error): void {
    try {
      this.onError(error);
    } catch (failure) {
      throwOutside(failure);
    }
  }

  private timeout(subject: RequestSubject | undefined, timeoutMs: number): NetlinkError {
    const lost = this.closed ? 0 : this.droppedCount();
    const hint = lost === 0 ? '' : ` (${lost} messages were lost to a full receive buffer)`;
    const what = subject === undefined ? 'netlink request' : `cannot ${subject.op} ${subject.object}`;
    return new NetlinkError('NETLINK_TIMEOUT', `${what}: no answer from the kernel in ${timeoutMs} ms${hint}`);
  }

  private assertOpen(): void {
    if (this.closed) throw new NetlinkError('NETLINK_CLOSED', 'netlink socket closed');
  }
}

function repliesOf(outcome: Outcome, subject: RequestSubject | undefined): NetlinkMessage[] {
  switch (outcome.kind) {
    case 'done':
      return outcome.messages;
    case 'failed':
      // The stack of whoever asked is of more use than that of the event loop.
      Error.captureStackTrace(outcome.error, repliesOf);
      throw outcome.error;
    case 'interrupted': {
      const what = subject === undefined ? 'dump' : `${subject.op} ${subject.object}`;
      throw new NetlinkError('NETLINK_DUMP_INTERRUPTED', `cannot ${what}: it keeps changing`);
    }
  }
}

const sendFailure = (error: Error & { errno: number }): SystemError =>
  new SystemError('send to the kernel', Math.abs(error.errno), { cause: error });

function throwOutside(error: unknown): void {
  setImmediate(() => {
    throw error;
  });
}
