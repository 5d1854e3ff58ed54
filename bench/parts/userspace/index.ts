/**
 * The userspace data plane beside other userspace tunnels, on the host's own kernel: throughput on a cable that hands
 * long packets over whole, and on one on which each packet is cut up as on a real wire.
 */
import { pairTopology, Scope, type Running } from '../../../test/lab/support/index.js';
import { serve, tcp, tcpMbits, udpReceived, type Road } from '../../iperf.js';
import type { Figure } from '../../report.js';
import { inTurns, median, rows } from '../../statistics.js';
import { cpuMs } from '../daemons.js';
import { flood } from './flood.js';
import { idleWakeUps } from './idle.js';
import { bringUp, INNER, KINDS, OUTER, type Kind } from './tunnels.js';

const TURNS = 7;
const SECONDS = 1;
const PINGS = 100;
const PING_INTERVAL_SECONDS = 0.01;

interface Tunnel extends Road {
  readonly kind: Kind;
  readonly running: readonly Running[];
}

export async function userspace(): Promise<Figure[]> {
  return [...(await onCable('whole')), ...(await onCable('cut')), await flood(), await idleWakeUps()];
}

async function onCable(cable: 'whole' | 'cut'): Promise<Figure[]> {
  const scope = new Scope();
  try {
    const tunnels = new Map<Kind, Tunnel>();
    for (const kind of KINDS) tunnels.set(kind, await build(scope, kind, cable));
    const at = (kind: Kind): Tunnel => {
      const found = tunnels.get(kind);
      if (found === undefined) throw new Error(`no tunnel ${kind}`);
      return found;
    };
    for (const kind of KINDS) await tcpMbits(at(kind), SECONDS);
    const where = cable === 'whole' ? 'a cable that takes long packets' : 'a cable with packets cut up';
    const cpu = new Map<Kind, number[]>(KINDS.filter((kind) => kind !== 'no tunnel').map((kind) => [kind, []]));
    const mbits = await inTurns(KINDS, TURNS, async (kind) => {
      const { mbits: rate, cpu: seconds } = await costlyTcp(at(kind));
      cpu.get(kind)?.push(seconds);
      return [rate];
    });
    const others = KINDS.filter((kind) => !['no tunnel', 'ours', 'simple loop'].includes(kind));
    const best = (values: ReadonlyMap<Kind, readonly number[]>): Kind =>
      others.reduce((one, other) => (median(values.get(other) ?? []) > median(values.get(one) ?? []) ? other : one));
    const against = (values: ReadonlyMap<Kind, readonly number[]>): Partial<Record<Kind, Kind>> => ({
      ours: best(values),
    });
    const figures: Figure[] = [
      { title: `TCP, one stream, ${where}`, unit: 'Mbit/s', better: 'higher', rows: rows(mbits, against(mbits)) },
    ];
    figures.push({ title: `CPU of both daemons, ${where}`, unit: 's/GB', better: 'lower', rows: rows(cpu) });
    const long = await inTurns(KINDS, TURNS, async (kind) => [(await udpReceived(at(kind), SECONDS, 1400)).mbits]);
    figures.push({
      title: `1400-byte UDP, as received, ${where}`,
      unit: 'Mbit/s',
      better: 'higher',
      rows: rows(long, against(long)),
    });
    const short = await inTurns(KINDS, TURNS, async (kind) => [(await udpReceived(at(kind), SECONDS, 64)).kpps]);
    figures.push({
      title: `64-byte UDP, as received, ${where}`,
      unit: 'kpps',
      better: 'higher',
      rows: rows(short, against(short)),
    });
    if (cable === 'whole') {
      const pings = await inTurns(KINDS, TURNS, (kind) => roundTrips(at(kind)));
      figures.push({ title: 'Ping', unit: 'ms', better: 'lower', rows: rows(pings) });
    }
    return figures;
  } finally {
    await scope.close();
  }
}

async function build(scope: Scope, kind: Kind, cable: 'whole' | 'cut'): Promise<Tunnel> {
  const { a, b } = await pairTopology(scope);
  if (cable === 'cut') {
    for (const ns of [a, b])
      await ns.exec(['ethtool', '-K', 'eth', 'tso', 'off', 'tx-udp-segmentation', 'off', 'gro', 'on']);
  }
  const running = await bringUp(scope, { a, b }, kind);
  await serve(scope, b);
  return { kind, running, from: a, to: b, address: kind === 'no tunnel' ? OUTER.b : INNER.b };
}

async function costlyTcp(tunnel: Tunnel): Promise<{ readonly mbits: number; readonly cpu: number }> {
  const before = cpuSeconds(tunnel.running);
  const { mbits, bytes } = await tcp(tunnel, SECONDS);
  return { mbits, cpu: (cpuSeconds(tunnel.running) - before) / (bytes / 1e9) };
}

const cpuSeconds = (running: readonly Running[]): number =>
  running.reduce((sum, { pid }) => sum + cpuMs(pid), 0) / 1000;

/** In milliseconds; the median of a row of pings. */
async function roundTrips({ from, address }: Tunnel): Promise<number[]> {
  const { stdout } = await from.exec(['ping', '-n', '-c', String(PINGS), '-i', String(PING_INTERVAL_SECONDS), address]);
  return [median([...stdout.matchAll(/time=([\d.]+) ms/g)].map(([, time]) => Number(time)))];
}
