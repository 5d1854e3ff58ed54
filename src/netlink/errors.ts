/** What can go wrong between us and the kernel: it says no (KernelError), or the conversation fails (NetlinkError). */
import { errnoName, errnoWords } from '../sys/errno.js';

/** What a request was meant to do, in words that follow "cannot": `{ op: 'create link', object: 'ipipou0' }`. */
export interface RequestSubject {
  readonly op: string;
  readonly object: string;
}

/** The kernel's answer to one request. */
export interface Acknowledgement {
  /** Positive; 0 for success. */
  readonly errno: number;
  /** The kernel's own words about the failure (extended acknowledgement), where it has some. */
  readonly kernelMessage?: string;
  /** Where the offending attribute stands, in bytes from the start of the message's header. */
  readonly attributeOffset?: number;
}

/** The kernel refused a request. */
export class KernelError extends Error {
  override readonly name = 'KernelError';
  readonly op: string;
  readonly object: string;
  /** Positive. */
  readonly errno: number;
  /** The name of the number, e.g. `EEXIST`. */
  readonly code: string;
  /** What the number means, e.g. `File exists`. */
  readonly words: string;
  readonly kernelMessage: string | undefined;
  readonly attributeOffset: number | undefined;
  /** Which message of a batch failed, counted from 0; 0 outside batches. */
  readonly messageIndex: number;
  /** What else failed in the same batch. */
  readonly others: readonly KernelError[];

  constructor(
    subject: RequestSubject,
    acknowledgement: Acknowledgement,
    messageIndex = 0,
    others: readonly KernelError[] = [],
  ) {
    const { errno, kernelMessage, attributeOffset } = acknowledgement;
    const code = errnoName(errno);
    const words = errnoWords(errno);
    const said = kernelMessage === undefined ? '' : `: ${kernelMessage}`;
    super(`cannot ${subject.op} ${subject.object}: ${words} (${code})${said}`);
    this.op = subject.op;
    this.object = subject.object;
    this.errno = errno;
    this.code = code;
    this.words = words;
    this.kernelMessage = kernelMessage;
    this.attributeOffset = attributeOffset;
    this.messageIndex = messageIndex;
    this.others = others;
  }
}

export type NetlinkErrorCode =
  /** No answer in time, or the answer was dropped because the receive buffer was full. */
  | 'NETLINK_TIMEOUT'
  | 'NETLINK_CLOSED'
  /** What a dump shows kept changing while it was made. */
  | 'NETLINK_DUMP_INTERRUPTED'
  /** The kernel sent what we can't read, or more than the fixed buffer holds. */
  | 'NETLINK_MALFORMED'
  | 'NETLINK_OVERRUN'
  /** The socket can't be opened here. */
  | 'NETLINK_UNAVAILABLE';

/** The conversation with the kernel failed, whatever it thinks of the request. */
export class NetlinkError extends Error {
  override readonly name = 'NetlinkError';
  readonly code: NetlinkErrorCode;

  constructor(code: NetlinkErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** True for the kernel's refusal with one of the given errno names. */
export const isKernelError = (error: unknown, ...codes: string[]): error is KernelError =>
  error instanceof KernelError && codes.includes(error.code);
