/** Tries whether what is sent to the pools of the configuration comes to this host. */
import { randomBytes } from 'node:crypto';
import { ConfigError, type PartialResolution } from '../../config/index.js';
import { formatPool } from '../../egress/pool.js';
import { probeWayBack, samplesOf } from '../../egress/way-back/probe.js';
import { judgeWays, type WayJudgement } from '../../egress/way-back/way-back.js';
import type { EgressFacts } from '../facts.js';

/** undefined where the configuration has no egress, or is not whole. */
export async function probeEgress({ whole }: PartialResolution): Promise<EgressFacts | undefined> {
  if (whole instanceof ConfigError || whole.kind !== 'server') return undefined;
  const { egress, tunlDev, tunlPeerIp, inner6, nftTable } = whole.config;
  if (egress === undefined) return undefined;
  const pools: EgressFacts['pools'][number][] = [];
  for (const { action } of egress.policies) {
    if (action.mode !== 'rotate') continue;
    let judgement: WayJudgement | string;
    try {
      const addresses = samplesOf(action.pool, randomBytes);
      // Another name than that of a server that does the same.
      const table = `${nftTable}-doctor-${process.pid}`;
      judgement = judgeWays(await probeWayBack({ addresses, announce: egress.announce, table, random: randomBytes }));
    } catch (error) {
      judgement = `it could not be tried: ${error instanceof Error ? error.message : String(error)}`;
    }
    pools.push({ pool: formatPool(action.pool), judgement });
  }
  const inner = { 4: tunlPeerIp, ...(inner6 && { 6: inner6.peerAddress }) };
  return { device: tunlDev, inner, pools };
}
