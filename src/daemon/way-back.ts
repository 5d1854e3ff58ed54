/** Says at the start of which pools nothing shows that what is sent to them comes to this host. */
import { randomBytes } from 'node:crypto';
import type { IpAddress } from '../egress/address.js';
import { formatPool, poolWithout, type Pool } from '../egress/pool.js';
import type { Policy } from '../egress/policy.js';
import { probeWayBack, samplesOf } from '../egress/way-back/probe.js';
import { judgeWays } from '../egress/way-back/way-back.js';
import type { Logger } from '../log/index.js';
import { messageOf } from './errors.js';

export interface WayBackSettings {
  readonly policies: readonly Policy[];
  /** The host's own addresses that are not drawn. */
  readonly own: readonly IpAddress[];
  readonly announce: string | undefined;
  /** Of the table that counts for as long as it takes. */
  readonly table: string;
}

/** Never rejects. */
export async function reportWaysBack(settings: WayBackSettings, log: Logger, signal: AbortSignal): Promise<void> {
  const { policies, own, announce, table } = settings;
  const pools = policies.flatMap(({ action }): Pool[] => (action.mode === 'rotate' ? [action.pool] : []));
  const samples = pools.map((pool) => samplesOf(poolWithout(pool, own), randomBytes));
  try {
    const request = { addresses: samples.flat(), announce, table, random: randomBytes, signal };
    const ways = await probeWayBack(request);
    let next = 0;
    for (const [index, pool] of pools.entries()) {
      const judgement = judgeWays(ways.slice(next, (next += samples[index]?.length ?? 0)));
      if (signal.aborted) return;
      if (judgement.kind === 'comes') {
        log.debug(`egress: ${judgement.found}`);
        continue;
      }
      const may = judgement.kind === 'fails' ? 'does not' : 'may not';
      const means = `what is sent to ${formatPool(pool)} ${may} come back: ${judgement.found}`;
      const line = `egress: ${means}; ${judgement.remedy ?? ''}`;
      if (judgement.kind === 'fails') log.error(line);
      else log.warn(line);
    }
  } catch (error) {
    log.info(`egress: whether the pools come back could not be tried: ${messageOf(error)}`);
  }
}
