import { NETLINK_NETFILTER } from '../constants.js';
import type { NetlinkMessage } from '../message.js';
import { NetlinkSocket } from '../socket.js';
import { NFNLGRP_NFTABLES } from './constants.js';
import { DecodeError } from './errors.js';
import { TransactionReader, type Transaction } from './transaction.js';

// A flush of a large ruleset is one notice for each rule and element.
const RECEIVE_BUFFER_BYTES = 4 * 1024 * 1024;
const OVERRUN_CHECK_MS = 1000;

/**
 * `overrun`: notices were lost, so look at the ruleset itself. Elements that time out cause no notice at all.
 */
export type NftablesEvent = ({ readonly kind: 'transaction' } & Transaction) | { readonly kind: 'overrun' };

export interface NftablesMonitorOptions {
  readonly onEvent: (event: NftablesEvent) => void;
  /** Told of notices that cannot be read and of an `onEvent` that throws. By default such errors are thrown. */
  readonly onError?: (error: Error) => void;
  readonly receiveBufferBytes?: number;
  /** How often to look for lost notices while none arrive. Default 1000. */
  readonly overrunCheckMs?: number;
}

/** Hears of every change of the ruleset in the network namespace it was opened in, our own ones too. */
export class NftablesMonitor {
  private readonly socket: NetlinkSocket;
  private readonly reader = new TransactionReader();
  private readonly options: NftablesMonitorOptions;
  private readonly timer: NodeJS.Timeout;
  private dropped = 0;
  private closed = false;

  private constructor(socket: NetlinkSocket, options: NftablesMonitorOptions) {
    this.socket = socket;
    this.options = options;
    socket.onMessages((messages) => {
      this.hear(messages);
    });
    this.timer = setInterval(() => {
      this.checkOverrun();
    }, options.overrunCheckMs ?? OVERRUN_CHECK_MS).unref();
  }

  static open(options: NftablesMonitorOptions): NftablesMonitor {
    const { receiveBufferBytes = RECEIVE_BUFFER_BYTES, onError } = options;
    const socket = NetlinkSocket.open(NETLINK_NETFILTER, {
      groups: [NFNLGRP_NFTABLES],
      receiveBufferBytes,
      ...(onError !== undefined && { onError }),
    });
    return new NftablesMonitor(socket, options);
  }

  /** May be called any number of times. */
  close(): void {
    this.closed = true;
    clearInterval(this.timer);
    this.socket.close();
  }

  private hear(messages: readonly NetlinkMessage[]): void {
    for (const message of messages) {
      const result = this.reader.take(message.type, message.body);
      if (!result.ok) this.report(new DecodeError('a change of the ruleset', result.fault));
      else if (result.value !== undefined) this.tell({ kind: 'transaction', ...result.value });
    }
    this.checkOverrun();
  }

  private checkOverrun(): void {
    if (this.closed) return;
    const dropped = this.socket.droppedCount();
    if (dropped === this.dropped) return;
    this.dropped = dropped;
    this.reader.reset();
    this.tell({ kind: 'overrun' });
  }

  /** One listener's failure must not cost the events behind it. */
  private tell(event: NftablesEvent): void {
    if (this.closed) return;
    try {
      this.options.onEvent(event);
    } catch (error) {
      this.report(error instanceof Error ? error : new Error(String(error)));
    }
  }

  private report(error: Error): void {
    const { onError } = this.options;
    if (onError !== undefined) {
      onError(error);
      return;
    }
    setImmediate(() => {
      throw error;
    });
  }
}
