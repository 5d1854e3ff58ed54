/**
 * What a flood from strangers costs: the same one is aimed at the tunnel, and at a port that one rule drops. The server's
 * kernel counts what arrives of it.
 */
import { fileURLToPath } from 'node:url';
import { pairTopology, Scope, start, type Namespace } from '../../../test/lab/support/index.js';
import { serve, tcpMbits, type Road } from '../../iperf.js';
import type { Figure } from '../../report.js';
import { inTurns, rows } from '../../statistics.js';
import { bringUp, INNER, OUTER } from './tunnels.js';

const TURNS = 7;
const SECONDS = 2;
const PACKETS_PER_SECOND = 20_000;
const DROPPED_PORT = 9;
const TUNNEL_PORT = 10_000;
/** As flood-process.ts has it. */
const STRANGER = '10.9.3.77';
const PROGRAM = fileURLToPath(new URL('flood-process.js', import.meta.url));

const AIMS = [
  'no flood',
  'flood at a port that one rule drops',
  'flood of inner packets at the tunnel',
  'flood at the tunnel, as long as auth packets',
] as const;
type Aim = (typeof AIMS)[number];
const FLOODS: Partial<Record<Aim, { readonly port: number; readonly kind: 'inner' | 'signed' }>> = {
  'flood at a port that one rule drops': { port: DROPPED_PORT, kind: 'inner' },
  'flood of inner packets at the tunnel': { port: TUNNEL_PORT, kind: 'inner' },
  'flood at the tunnel, as long as auth packets': { port: TUNNEL_PORT, kind: 'signed' },
};

export async function flood(): Promise<Figure> {
  const scope = new Scope();
  try {
    const { a, b } = await pairTopology(scope);
    await bringUp(scope, { a, b }, 'ours');
    await b.nft(`
      table inet drops {
        counter arrived { }
        chain pre { type filter hook prerouting priority raw; ip saddr ${STRANGER} counter name arrived; }
        chain in { type filter hook input priority 0; udp dport ${DROPPED_PORT} drop; }
      }`);
    await serve(scope, b);
    const road: Road = { from: a, to: b, address: INNER.b };
    await tcpMbits(road, SECONDS);
    const arrived: number[] = [];
    const measured = await inTurns(AIMS, TURNS, async (aim) => {
      const flooding = FLOODS[aim];
      if (flooding === undefined) return [await tcpMbits(road, SECONDS)];
      const { port, kind } = flooding;
      const own = new Scope();
      try {
        const command = [PROGRAM, `${OUTER.b}:${port}`, String(PACKETS_PER_SECOND), kind];
        const flooder = start(own, a, [process.execPath, ...command]);
        await flooder.waitForLog(/flooding/);
        const [before, beforeMs] = [await packetsFrom(b), performance.now()];
        const mbits = await tcpMbits(road, SECONDS);
        arrived.push(((await packetsFrom(b)) - before) / ((performance.now() - beforeMs) / 1000));
        return [mbits];
      } finally {
        await own.close();
      }
    });
    return {
      title: `TCP, one stream, under a flood of ${PACKETS_PER_SECOND.toLocaleString('en')} packets a second from strangers`,
      unit: 'Mbit/s',
      better: 'higher',
      rows: rows(measured, {
        'flood of inner packets at the tunnel': 'flood at a port that one rule drops',
        'flood at the tunnel, as long as auth packets': 'flood at a port that one rule drops',
      }),
      note: `The flood comes from the same two processors; in no turn did fewer than ${Math.floor(Math.min(...arrived)).toLocaleString('en')} packets a second arrive.`,
    };
  } finally {
    await scope.close();
  }
}

/** How many of the flood's have arrived so far. */
async function packetsFrom(server: Namespace): Promise<number> {
  return Number(/packets (\d+)/.exec(await server.nftList('counter inet drops arrived'))?.[1]);
}
