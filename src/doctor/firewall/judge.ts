/** What the host's packet filters do to a packet of the tunnel, all hooks on its way taken together. */
import type { Chain } from '../../netlink/nftables/index.js';
import { ChainJudge, type Culprit, type Fate } from './chain.js';
import type { FirewallFacts, TableFacts } from './facts.js';
import type { IpVersion, JudgedPacket } from './packet.js';

export interface FirewallJudgement {
  /** How many base chains the packet meets. */
  readonly chains: number;
  /** Chains that surely stop it or lead it away, in words. */
  readonly stops: readonly Stop[];
  /** Chains that may do so, as far as could be told. */
  readonly mayStop: readonly Stop[];
}

export interface Stop {
  readonly fate: Exclude<Fate, 'accept' | 'end'>;
  readonly culprit: Culprit;
}

/** In the order of the way in and the way out. */
const HOOKS = {
  in: ['ingress', 'prerouting', 'input'],
  out: ['output', 'postrouting', 'egress'],
  forward: ['ingress', 'prerouting', 'forward', 'postrouting', 'egress'],
} as const;

const MET_FAMILIES: Readonly<Record<IpVersion, readonly TableFacts['family'][]>> = {
  4: ['ip', 'inet', 'netdev'],
  6: ['ip6', 'inet', 'netdev'],
};

const BAD: readonly Stop['fate'][] = ['drop', 'diverted', 'queued', 'unknown'];

/** `ours`: tables that belong to the tunnel itself. */
export function judgeFirewall(
  facts: FirewallFacts,
  packet: JudgedPacket,
  ours: (table: TableFacts) => boolean,
): FirewallJudgement {
  const [stops, mayStop]: [Stop[], Stop[]] = [[], []];
  let chains = 0;
  for (const table of facts.tables) {
    if (ours(table) || !MET_FAMILIES[packet.version].includes(table.family)) continue;
    const judge = new ChainJudge(packet, table);
    for (const chain of table.chains) {
      if (!isMet(chain, packet)) continue;
      chains += 1;
      const fates = judge.judgeBase(chain);
      const bad = BAD.flatMap((fate) => {
        const culprit = fates.get(fate);
        return culprit === undefined ? [] : [{ fate, culprit }];
      });
      const [first] = bad;
      // Where every fate is a bad one, the packet doesn't get through, whichever it is.
      if (first !== undefined && bad.length === fates.size && !fates.has('queued') && !fates.has('unknown'))
        stops.push(first);
      else mayStop.push(...bad);
    }
  }
  return { chains, stops, mayStop };
}

function isMet({ base }: Chain, packet: JudgedPacket): boolean {
  if (base === undefined || !(HOOKS[packet.direction] as readonly string[]).includes(base.hook)) return false;
  // Address translation looks at the first packet of a flow only.
  if (base.type === 'nat' && packet.state !== 'new') return false;
  const { inDevice, outDevice } = packet;
  return base.device === undefined || base.device === (base.hook === 'egress' ? outDevice : inDevice)?.name;
}
