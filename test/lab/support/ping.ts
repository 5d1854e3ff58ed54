import type { Namespace } from './namespace.js';
import { start } from './running.js';
import type { Running } from './running.js';
import type { Scope } from './scope.js';

export interface PingOptions {
  readonly intervalMs?: number;
  /** Ends by itself after so many; else `stop` ends it. */
  readonly count?: number;
  /** Payload bytes; the IP packet is 28 longer. */
  readonly size?: number;
  /** Source address or device. */
  readonly from?: string;
  /** Further arguments of ping(8), like `-M do`. */
  readonly extra?: readonly string[];
}

export interface PingResult {
  readonly sent: number;
  /** Sequence numbers, from 1, in the order the answers came. */
  readonly received: readonly number[];
  /** Without an answer although a later one got one. */
  readonly lost: readonly number[];
  /** Without an answer at the end: lost, or still under way when ping was stopped. */
  readonly unanswered: number;
  readonly duplicates: number;
}

/** Pings that go on beside the test. Counts up to 65535 sequence numbers. */
export class Pinging {
  readonly #process: Running;

  constructor(process: Running) {
    this.#process = process;
  }

  /** The sequence numbers answered so far. */
  get received(): number[] {
    return [...this.#process.log.matchAll(/ icmp_seq=(\d+) ttl=/g)].map(([, sequence]) => Number(sequence));
  }

  /** Ends it now. */
  async stop(): Promise<PingResult> {
    await this.#process.kill('SIGINT');
    return this.#result();
  }

  /** Waits until `count` are through; the last one is waited for a second. */
  async done(): Promise<PingResult> {
    await this.#process.exit;
    return this.#result();
  }

  #result(): PingResult {
    const sent = /(\d+) packets transmitted/.exec(this.#process.log)?.[1];
    if (sent === undefined) throw new Error(`ping failed:\n${this.#process.log}`);
    return judgePings(Number(sent), this.received);
  }
}

/** The figures of a run out of what was sent and what came back. */
export function judgePings(sent: number, received: readonly number[]): PingResult {
  const answered = new Set(received);
  const last = Math.max(0, ...answered);
  const lost = Array.from({ length: last }, (_, index) => index + 1).filter((sequence) => !answered.has(sequence));
  return { sent, received, lost, unanswered: sent - last, duplicates: received.length - answered.size };
}

export function startPing(scope: Scope, ns: Namespace, to: string, options: PingOptions = {}): Pinging {
  const { intervalMs = 100, count, size, from, extra = [] } = options;
  const flag = (name: string, value: number | string | undefined) => (value === undefined ? [] : [name, String(value)]);
  const command = ['ping', '-n', '-W', '1', '-i', String(intervalMs / 1000)];
  command.push(...flag('-c', count), ...flag('-s', size), ...flag('-I', from), ...extra, to);
  return new Pinging(start(scope, ns, command));
}

/** A host that answers does so long before; one that is slow is no host that doesn't. */
const PATIENCE_SECONDS = 60;

/** Whether a ping is answered in that time; the first answer ends it. Give few seconds where none is expected. */
export async function answersPing(
  ns: Namespace,
  to: string,
  seconds = PATIENCE_SECONDS,
  extra: readonly string[] = [],
): Promise<boolean> {
  // With -w the -c counts answers, not what is sent.
  const command = ['ping', '-n', '-q', '-c', '1', '-w', String(seconds), '-i', '0.2', ...extra, to];
  return (await ns.exec(command, { mayFail: true })).code === 0;
}

/** One ping that is waited for: what was sent to `to` over the same path before has been dealt with when it returns. */
export async function barrier(ns: Namespace, to: string): Promise<void> {
  await ns.exec(['ping', '-n', '-c', '1', '-W', '10', to]);
}
