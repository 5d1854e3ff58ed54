/** How many auth packets a server deals with in a second of its own processor time, by what becomes of them. */
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { barrier, pairTopology, rawSender, Scope, startDaemon } from '../../test/lab/support/index.js';
import { queueView } from '../../test/lab/support/queue.js';
import { authPacket, makeKeys, serverArgs, stateDir } from '../../test/lab/support/tunnel.js';
import type { Figure } from '../report.js';
import { inTurns, rows } from '../statistics.js';
import { cpuMs } from './daemons.js';

const TURNS = 7;
const PACKETS = 600;
const QUEUE_LENGTH = 400;
/** Packets sent before the queue is looked at again; two batches may meet in it. */
const BATCH = QUEUE_LENGTH / 2;
/** Its first turn compiles the code. */
const WARM_UP = 3;

const KINDS = ['valid', 'signed by another key', 'sent again', 'of a wrong length'] as const;

export async function auth(): Promise<Figure[]> {
  const scope = new Scope();
  try {
    const { a, b } = await pairTopology(scope);
    const [keys, strangers] = [makeKeys(), makeKeys()];
    const queueLength = ['--nfq-max-len', String(QUEUE_LENGTH)];
    const args = serverArgs(keys, '--verb', '-1', '-b', '@eth', ...queueLength, '--state-dir', stateDir(scope));
    const server = startDaemon(scope, b, args);
    await server.waitForLog(/server ready/);
    // Past the ruleset, which would keep most of them from the daemon.
    await b.nft(`table ip straight-in {
      chain input { type filter hook input priority 20; udp sport 30000 udp dport 10000 queue num 0; }
    }`);
    const sender = rawSender(scope, a);
    const queue = queueView(scope, b);
    // Each signed a second later than the one before, so that none is refused for its time.
    let signedAt = Math.floor(Date.now() / 1000);
    const captured = authPacket(keys, signedAt);
    const packet = {
      valid: () => authPacket(keys, ++signedAt),
      'signed by another key': () => authPacket(strangers, ++signedAt),
      'sent again': () => captured,
      'of a wrong length': () => randomBytes(72),
    };
    const perSecond = async (kind: (typeof KINDS)[number]): Promise<number[]> => {
      const packets = Array.from({ length: PACKETS }, packet[kind]);
      const lost = queue.lost;
      const before = cpuMs(server.pid);
      for (const [index, payload] of packets.entries()) {
        sender.udp({ from: '10.9.3.1:30000', to: '10.9.3.2:10000', payload });
        if (index % BATCH === BATCH - 1) await queue.empty();
      }
      await barrier(a, '10.9.3.2');
      await queue.empty();
      await sleep(200);
      if (queue.lost > lost) throw new Error('the queue lost packets');
      return [PACKETS / ((cpuMs(server.pid) - before) / 1000)];
    };
    sender.udp({ from: '10.9.3.1:30000', to: '10.9.3.2:10000', payload: captured });
    await inTurns(KINDS, WARM_UP, perSecond);
    const measured = await inTurns(KINDS, TURNS, perSecond);
    await server.kill();
    // Every packet must have met what it stands for, or the figure is another one's.
    const each = (WARM_UP + TURNS) * PACKETS;
    const sums = /packets refused since the start: (.*)/.exec(server.log)?.[1];
    if (sums !== `${each} length, ${each} older, ${each} signature`) {
      throw new Error(`not ${each} packets refused for each reason, but: ${sums ?? 'none'}`);
    }
    return [
      {
        title: 'Auth packets for each second of processor time',
        unit: '/s',
        better: 'higher',
        rows: rows(measured),
      },
    ];
  } finally {
    await scope.close();
  }
}
