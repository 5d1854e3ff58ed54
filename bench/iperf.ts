/** Traffic by iperf3(1), which has to be on both hosts. */
import { setTimeout as sleep } from 'node:timers/promises';
import { start, waitUntil, type Namespace, type Scope } from '../test/lab/support/index.js';

/** A pair of hosts, joined in some way, and where the traffic goes to. */
export interface Road {
  readonly from: Namespace;
  readonly to: Namespace;
  readonly address: string;
}

/** Has the host take what the others below send. */
export async function serve(scope: Scope, ns: Namespace): Promise<void> {
  start(scope, ns, ['iperf3', '-s']);
  await waitUntil(async () => (await ns.exec(['ss', '-Hltn', 'sport = 5201'])).stdout !== '', { what: 'iperf3' });
}

interface Iperf {
  readonly end: {
    readonly sum_received?: { readonly bits_per_second: number; readonly bytes: number };
    readonly sum?: { readonly packets: number; readonly lost_packets: number; readonly seconds: number };
  };
}

async function iperf(road: Road, seconds: number, args: readonly string[]): Promise<Iperf['end']> {
  const { stdout } = await road.from.exec(['iperf3', '-c', road.address, '-t', String(seconds), '-J', ...args]);
  // What is still under way is not to meet the next one.
  await sleep(200);
  return (JSON.parse(stdout) as Iperf).end;
}

/** One stream; as received. */
export async function tcp(road: Road, seconds: number): Promise<{ readonly mbits: number; readonly bytes: number }> {
  const { sum_received: received } = await iperf(road, seconds, []);
  return { mbits: (received?.bits_per_second ?? NaN) / 1e6, bytes: received?.bytes ?? NaN };
}

export const tcpMbits = async (road: Road, seconds: number): Promise<number> => (await tcp(road, seconds)).mbits;

/** Sent as fast as they can be; as received. */
export async function udpReceived(
  road: Road,
  seconds: number,
  payloadBytes: number,
): Promise<{ readonly kpps: number; readonly mbits: number }> {
  const { sum } = await iperf(road, seconds, ['-u', '-b', '0', '-l', String(payloadBytes)]);
  const perSecond = sum === undefined ? NaN : (sum.packets - sum.lost_packets) / sum.seconds;
  return { kpps: perSecond / 1000, mbits: (perSecond * payloadBytes * 8) / 1e6 };
}
