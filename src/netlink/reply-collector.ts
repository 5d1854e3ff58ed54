/**
 * What a request waits for: pure, a message goes in, an outcome comes out when there is one.
 *
 *     request   replies… ACK | ERROR
 *     dump      replies… DONE (which may carry an error, or say by a flag that what it shows changed meanwhile)
 *     batch     ERROR of each failing message, replies, ACK | ERROR of the last one
 *               or ERROR of the first one (BEGIN), for what fails as a whole: then no more may follow
 */
import { decodeAcknowledgement } from './acknowledgement.js';
import { NLM_F_DUMP_INTR, NLMSG_DONE, NLMSG_ERROR, NLMSG_NOOP, NLMSG_OVERRUN } from './constants.js';
import { KernelError, NetlinkError, type Acknowledgement, type RequestSubject } from './errors.js';
import type { NetlinkMessage } from './message.js';

export type Outcome =
  | { readonly kind: 'done'; readonly messages: NetlinkMessage[] }
  | { readonly kind: 'failed'; readonly error: Error }
  | { readonly kind: 'interrupted' };

export interface Expectation {
  readonly firstSequence: number;
  /** One for each message sent. */
  readonly subjects: readonly RequestSubject[];
  /** Which message's acknowledgement ends it. */
  readonly lastIndex: number;
  /** The first message is a batch's BEGIN, whose failure is the failure of all. */
  readonly beginsBatch: boolean;
}

export class ReplyCollector {
  private readonly expectation: Expectation;
  private readonly messages: NetlinkMessage[] = [];
  private readonly refusals: { readonly index: number; readonly acknowledgement: Acknowledgement }[] = [];
  private interrupted = false;

  constructor(expectation: Expectation) {
    this.expectation = expectation;
  }

  /** Takes one message whose sequence number belongs to the request. */
  take(message: NetlinkMessage): Outcome | undefined {
    if ((message.flags & NLM_F_DUMP_INTR) !== 0 && message.type !== NLMSG_ERROR) this.interrupted = true;
    switch (message.type) {
      case NLMSG_NOOP:
        return undefined;
      case NLMSG_OVERRUN:
        return { kind: 'failed', error: new NetlinkError('NETLINK_OVERRUN', `${this.what()}: the kernel lost data`) };
      case NLMSG_ERROR:
      case NLMSG_DONE:
        return this.acknowledge(message);
      default:
        this.messages.push(message);
        return undefined;
    }
  }

  private acknowledge(message: NetlinkMessage): Outcome | undefined {
    const index = (message.sequence - this.expectation.firstSequence) >>> 0;
    const acknowledgement = decodeAcknowledgement(message);
    if (acknowledgement === undefined) {
      return {
        kind: 'failed',
        error: new NetlinkError('NETLINK_MALFORMED', `${this.what()}: acknowledgement cut off`),
      };
    }
    const refused = acknowledgement.errno !== 0;
    if (refused) this.refusals.push({ index, acknowledgement });
    const over = index === this.expectation.lastIndex || (this.expectation.beginsBatch && index === 0 && refused);
    return over ? this.finish() : undefined;
  }

  private finish(): Outcome {
    const [first, ...others] = this.refusals;
    if (first !== undefined) {
      const rest = others.map((refusal) => this.error(refusal));
      return { kind: 'failed', error: this.error(first, rest) };
    }
    return this.interrupted ? { kind: 'interrupted' } : { kind: 'done', messages: this.messages };
  }

  private error(refusal: { index: number; acknowledgement: Acknowledgement }, others?: KernelError[]): KernelError {
    const subject = this.expectation.subjects[refusal.index] ?? { op: 'commit', object: 'batch' };
    return new KernelError(subject, refusal.acknowledgement, refusal.index, others);
  }

  private what(): string {
    const { subjects, lastIndex } = this.expectation;
    const subject = subjects[lastIndex];
    return subject === undefined ? 'netlink request' : `cannot ${subject.op} ${subject.object}`;
  }
}
