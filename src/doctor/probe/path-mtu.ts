/** How large packets may be on the way to the other side: sent ever smaller until nobody on the way objects. */
import { setTimeout as wait } from 'node:timers/promises';
import { PathProbe } from '../../sys/path-probe.js';
import type { PathFacts } from '../facts.js';

/** Routers on the way that each take less than the one before. */
const MAX_ROUNDS = 12;
/** Each size is sent as often, since a packet or the answer to it may get lost. */
const TRIES = 3;
const WAIT_MS = 400;
const LOOK_EVERY_MS = 20;
/** RFC 791: every way takes as much. */
const SMALLEST_MTU = 68;

/** What `PathProbe` does, so that a test can stand in for the network. */
export type Prober = Pick<PathProbe, 'mtu' | 'send' | 'complaint' | 'close'>;

export async function probePath(address: string, port: number, device?: string): Promise<PathFacts> {
  try {
    return await followPath(PathProbe.open(address, port, device), wait);
  } catch (error) {
    return { kind: 'failed', message: error instanceof Error ? error.message : String(error) };
  }
}

/** Closes the prober. */
export async function followPath(probe: Prober, sleep: (ms: number) => Promise<unknown>): Promise<PathFacts> {
  try {
    for (let round = 0; round < MAX_ROUNDS; round += 1) {
      const size = probe.mtu();
      if (size < SMALLEST_MTU) break;
      const said = await trySize(probe, size, sleep);
      if (said === 'silence' || said === 'answer') return { kind: 'probed', mtu: size, proven: said === 'answer' };
      if (said !== 'smaller') return { kind: 'failed', message: `the network refuses the probe (${said.code})` };
    }
    return { kind: 'failed', message: 'the size changed with every probe' };
  } finally {
    probe.close();
  }
}

type Said = 'smaller' | 'answer' | 'silence' | { readonly code: string };

async function trySize(probe: Prober, size: number, sleep: (ms: number) => Promise<unknown>): Promise<Said> {
  for (let attempt = 0; attempt < TRIES; attempt += 1) {
    const outcome = probe.send(size);
    // An error that an earlier packet brought is told instead of sending this one.
    if (typeof outcome !== 'string') return heard(outcome.refused);
    for (let waitedMs = 0; waitedMs < WAIT_MS; waitedMs += LOOK_EVERY_MS) {
      await sleep(LOOK_EVERY_MS);
      if (probe.mtu() < size) return 'smaller';
      const complaint = probe.complaint();
      if (complaint !== undefined && complaint !== 'EMSGSIZE') return heard(complaint);
    }
  }
  return probe.mtu() < size ? 'smaller' : 'silence';
}

/** Only the host itself says that a port is closed. */
const heard = (code: string): Said => (code === 'ECONNREFUSED' ? 'answer' : { code });
