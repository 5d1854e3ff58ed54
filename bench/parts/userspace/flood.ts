/** What a flood from strangers costs: the same one is aimed at the tunnel, and at a port that one rule drops. */
import { fileURLToPath } from 'node:url';
import { pairTopology, Scope, start } from '../../../test/lab/support/index.js';
import { serve, tcpMbits, type Road } from '../../iperf.js';
import type { Figure } from '../../report.js';
import { inTurns, rows } from '../../statistics.js';
import { bringUp, INNER, OUTER } from './tunnels.js';

const TURNS = 7;
const SECONDS = 2;
const PACKETS_PER_SECOND = 20_000;
const DROPPED_PORT = 9;
const TUNNEL_PORT = 10_000;
const PROGRAM = fileURLToPath(new URL('flood-process.js', import.meta.url));

const AIMS = ['no flood', 'flood at a port that one rule drops', 'flood at the tunnel'] as const;
type Aim = (typeof AIMS)[number];
const PORTS: Partial<Record<Aim, number>> = {
  'flood at a port that one rule drops': DROPPED_PORT,
  'flood at the tunnel': TUNNEL_PORT,
};

export async function flood(): Promise<Figure> {
  const scope = new Scope();
  try {
    const { a, b } = await pairTopology(scope);
    await bringUp(scope, { a, b }, 'ours');
    await b.nft(`
      table inet drops {
        chain in { type filter hook input priority 0; udp dport ${DROPPED_PORT} drop; }
      }`);
    await serve(scope, b);
    const road: Road = { from: a, to: b, address: INNER.b };
    await tcpMbits(road, SECONDS);
    const measured = await inTurns(AIMS, TURNS, async (aim) => {
      const port = PORTS[aim];
      if (port === undefined) return [await tcpMbits(road, SECONDS)];
      const own = new Scope();
      try {
        const flooder = start(own, a, [process.execPath, PROGRAM, `${OUTER.b}:${port}`, String(PACKETS_PER_SECOND)]);
        await flooder.waitForLog(/flooding/);
        return [await tcpMbits(road, SECONDS)];
      } finally {
        await own.close();
      }
    });
    return {
      title: `TCP, one stream, under a flood of ${PACKETS_PER_SECOND.toLocaleString('en')} packets a second from strangers`,
      unit: 'Mbit/s',
      better: 'higher',
      rows: rows(measured, { 'flood at the tunnel': 'flood at a port that one rule drops' }),
      note: 'The flood comes from the same two processors.',
    };
  } finally {
    await scope.close();
  }
}
