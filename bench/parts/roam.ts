/**
 * How long a roam takes: from a valid auth packet on the wire to the first inner packet at the new endpoint, with our
 * server, and with one that makes the same changes by running `ip` and `nft`. Both make the link's change last, so that
 * the packet tells of all of them.
 *
 * The client is two ports that take turns. From the moment of the auth packet on, the server's host sends an inner packet
 * each millisecond, and after each the client's port is looked at: a packet crosses the cable before its sender's system
 * call is over. Neither side wakes up for any other packet, since what the measuring takes is taken from the server.
 */
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import {
  pairTopology,
  quietSocket,
  Scope,
  start,
  startDaemon,
  type QuietSocket,
  type Running,
} from '../../test/lab/support/index.js';
import {
  authPacket,
  CLIENT_INNER,
  makeKeys,
  SECRET,
  SERVER_INNER,
  serverArgs,
  stateDir,
} from '../../test/lab/support/tunnel.js';
import type { Figure } from '../report.js';
import { inTurns, rows } from '../statistics.js';

const TURNS = 10;
const ROAMS_PER_TURN = 5;
/** Roams before the measured ones, for the code to be compiled as in a server that has run for a while. */
const WARM_UP = 15;
const EVERY_MS = 1;
/** What the server does behind a roam is over by then: one is measured, not how several follow each other. */
const PAUSE_MS = 200;
const TIMEOUT_MS = 5000;
const PORT = 10_000;
const INNER_PORT = 9;
const FORKING_SERVER = fileURLToPath(new URL('forking-server.js', import.meta.url));

const SERVERS = ['ours', 'forking ip and nft'] as const;
type Server = (typeof SERVERS)[number];

export async function roam(): Promise<Figure[]> {
  const scope = new Scope();
  try {
    const tunnels = {
      ours: await build(scope, 'ours'),
      'forking ip and nft': await build(scope, 'forking ip and nft'),
    };
    for (const tunnel of Object.values(tunnels)) await tunnel.roams(WARM_UP);
    const measured = await inTurns(SERVERS, TURNS, (server) => tunnels[server].roams(ROAMS_PER_TURN));
    return [
      {
        title: 'Roam: auth packet on the wire → first inner packet at the new endpoint',
        unit: 'ms',
        better: 'lower',
        rows: rows(measured, { ours: 'forking ip and nft' }),
        note: `An inner packet every ${EVERY_MS} ms. Both servers check the same packets with the same code.`,
      },
    ];
  } finally {
    await scope.close();
  }
}

interface RoamingTunnel {
  /** Milliseconds of each of so many roams. */
  roams(count: number): Promise<number[]>;
}

/** Two hosts, on one of which that server runs, bound to the other's first port. */
async function build(scope: Scope, kind: Server): Promise<RoamingTunnel> {
  const { a, b } = await pairTopology(scope);
  const keys = makeKeys();
  // Not more than the usual log: at -vvv every change is spelt out.
  const args = serverArgs(keys, '--verb', '-1', '--state-dir', stateDir(scope), '-b', '@eth');
  let server = startDaemon(scope, b, args);
  await server.waitForLog(/server ready/);
  const ports = [30_001, 30_002].map((port) => quietSocket(scope, a, '10.9.3.1', port));
  ports[0]?.send(authPacket(keys), '10.9.3.2', PORT);
  // Bound, or the inner packets have no source and no route.
  await server.waitForLog(/client authenticated/);
  if (kind === 'forking ip and nft') {
    await server.kill('SIGKILL');
    server = start(scope, b, [process.execPath, FORKING_SERVER, keys.publicB64, SECRET, '10.9.3.1', '30001']);
    await server.waitForLog(/server ready/);
  }
  const inner = quietSocket(scope, b, SERVER_INNER, INNER_PORT);
  let roamed = 0;
  const roams = async (count: number): Promise<number[]> => {
    const took: number[] = [];
    for (const until = roamed + count; roamed < until;) {
      await sleep(PAUSE_MS);
      const port = ports[++roamed % ports.length];
      if (port !== undefined) took.push(roamTo(port, authPacket(keys), inner, server));
    }
    return took;
  };
  return { roams };
}

const clock = new Int32Array(new SharedArrayBuffer(4));

/** Holds this thread: what else it might do would be measured too. */
function roamTo(port: QuietSocket, auth: Buffer, inner: QuietSocket, server: Running): number {
  const payload = randomBytes(32);
  const isNew = (packet: Buffer): boolean => packet.subarray(-payload.length).equals(payload);
  port.send(auth, '10.9.3.2', PORT);
  const sent = performance.now();
  for (;;) {
    inner.send(payload, CLIENT_INNER, INNER_PORT);
    const waited = performance.now() - sent;
    // Of the roam before last there may be some.
    for (let packet = port.receive(); packet !== undefined; packet = port.receive()) if (isNew(packet)) return waited;
    if (waited > TIMEOUT_MS) throw new Error(`no inner packet in ${TIMEOUT_MS} ms; the log:\n${server.log}`);
    Atomics.wait(clock, 0, 0, EVERY_MS);
  }
}
