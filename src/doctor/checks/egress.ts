/** Whether what leaves the tunnel for the world gets there, and its answers get back. */
import type { WayJudgement } from '../../egress/way-back/way-back.js';
import type { EgressFacts, NetworkFacts } from '../facts.js';
import { finding, ok, skip, type Check, type Finding, type Judgement } from '../finding.js';
import type { FirewallFacts, TableFacts } from '../firewall/facts.js';
import type { IpVersion, JudgedPacket } from '../firewall/packet.js';
import { judgePassage } from './firewall.js';

interface EgressCheckFacts {
  /** undefined where nothing of it is configured. */
  readonly egress: EgressFacts | undefined;
  /** Name of the tunnel's own table. */
  readonly table: string;
  readonly network: NetworkFacts;
  readonly firewall: FirewallFacts;
}

export const checkEgress: Check<EgressCheckFacts> = (facts) => {
  const { egress } = facts;
  if (egress === undefined) return [];
  const { inner, pools } = egress;
  const versions = inner[6] === undefined ? ([4] as const) : ([4, 6] as const);
  return [
    ...versions.flatMap((version) => [
      forwarding(facts, egress, 'out', version),
      forwarding(facts, egress, 'back', version),
    ]),
    ...pools.map(wayBack),
  ];
};

/** A new connection out of the tunnel, and what answers it: Docker and firewalld drop what they don't know. */
function forwarding(
  { table, network, firewall }: EgressCheckFacts,
  egress: EgressFacts,
  way: 'out' | 'back',
  version: IpVersion,
): Finding {
  const isOut = way === 'out';
  const is4 = version === 4;
  const title = isOut ? 'firewall, from the tunnel' : 'firewall, to the tunnel';
  const here = finding(`egress-${way}${is4 ? '' : '-ipv6'}`, 'Egress', is4 ? title : `${title} (IPv6)`);
  const { outer } = network;
  if (typeof outer === 'string') return here(skip('it takes an outer device to judge by'));
  const tunnel = { name: egress.device, index: undefined };
  const world = { name: outer.device, index: outer.deviceIndex };
  const packet: JudgedPacket = {
    version,
    direction: 'forward',
    protocol: undefined,
    source: isOut ? egress.inner[version] : undefined,
    destination: isOut ? undefined : egress.inner[version],
    sourcePort: undefined,
    destinationPort: undefined,
    inDevice: isOut ? tunnel : world,
    outDevice: isOut ? world : tunnel,
    state: isOut ? 'new' : 'established',
  };
  const [flag, chain] = isOut ? ['i', 'iifname'] : ['o', 'oifname'];
  const iptables = is4 ? 'iptables' : 'ip6tables';
  const whose = is4 ? '' : 'of IPv6 ';
  return here(
    judgePassage(firewall, packet, {
      ours: (one) => isOurs(one, table),
      what: isOut ? `what ${whose}comes out of ${egress.device}` : `what ${whose}goes into ${egress.device}`,
      otherwise: isOut ? 'the client reaches this host and nothing behind it' : 'no answer reaches the client',
      acceptRule: `nft insert rule FAMILY TABLE CHAIN ${chain} ${egress.device} accept (${iptables} -I FORWARD -${flag} ${egress.device} -j ACCEPT; where Docker runs: ${iptables} -I DOCKER-USER -${flag} ${egress.device} -j ACCEPT; firewall-cmd --zone=trusted --add-interface=${egress.device})`,
    }),
  );
}

const isOurs = ({ name }: TableFacts, table: string): boolean => name === table || name.startsWith(`${table}-`);

function wayBack({ pool, judgement }: EgressFacts['pools'][number], index: number): Finding {
  const here = finding(`egress-pool-${index + 1}`, 'Egress', `pool ${pool}`);
  return here(typeof judgement === 'string' ? skip(judgement) : judgementOf(judgement));
}

function judgementOf({ kind, found, remedy = '' }: WayJudgement): Judgement {
  if (kind === 'comes') return ok(found);
  const means = kind === 'fails' ? 'no answer comes back' : 'nothing shows that answers come back';
  return { status: kind === 'fails' ? 'lack' : 'warn', found, means, remedy };
}
