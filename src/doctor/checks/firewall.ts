/** Whether the host's own packet filters let the tunnel's packets pass. */
import type { Mode } from '../../config/index.js';
import { IPPROTO_UDP } from '../firewall/constants.js';
import type { FirewallFacts, TableFacts } from '../firewall/facts.js';
import { judgeFirewall, type FirewallJudgement, type Stop } from '../firewall/judge.js';
import type { IpVersion, JudgedPacket } from '../firewall/packet.js';
import type { NetworkFacts } from '../facts.js';
import { finding, skip, type Check, type Finding, type Judgement } from '../finding.js';

interface FirewallCheckFacts {
  readonly mode: Mode;
  readonly port: number;
  readonly remotePort: number | undefined;
  /** Name of the tunnel's own table. */
  readonly table: string;
  readonly network: NetworkFacts;
  readonly firewall: FirewallFacts;
}

export const checkFirewall: Check<FirewallCheckFacts> = (facts) => [judgeWay(facts, 'in'), judgeWay(facts, 'out')];

function judgeWay(facts: FirewallCheckFacts, direction: 'in' | 'out'): Finding {
  const { port, table, firewall } = facts;
  const isIn = direction === 'in';
  const here = finding(`firewall-${direction}`, 'Network', isIn ? 'firewall, in' : 'firewall, out');
  const packet = packetOf(facts, direction);
  if (packet === undefined) return here(skip('it takes an outer address to judge by'));
  return here(
    judgePassage(firewall, packet, {
      ours: (one) => one.family === 'ip' && one.name === table,
      what: isIn ? `UDP to port ${port}` : `UDP from port ${port}`,
      otherwise: isIn ? 'nothing of the tunnel arrives' : 'nothing of the tunnel leaves',
      acceptRule: acceptRule(facts, direction),
    }),
  );
}

/** How a packet is spoken of. */
export interface PassageWords {
  /** Tables that belong to the tunnel itself. */
  readonly ours: (table: TableFacts) => boolean;
  readonly what: string;
  /** What it means where it is stopped. */
  readonly otherwise: string;
  /** What lets it pass. */
  readonly acceptRule: string;
}

/** Whether the packet gets through the host's filters, in words. */
export function judgePassage(firewall: FirewallFacts, packet: JudgedPacket, words: PassageWords): Judgement {
  const judgement = judgeFirewall(firewall, packet, words.ours);
  const unread = unreadWords(firewall, packet.version);
  const { what, otherwise, acceptRule: rule } = words;
  const [stop] = judgement.stops;
  if (stop !== undefined) {
    return {
      status: 'lack',
      found: `${what} ${stopWords(stop)}: ${stop.culprit.where}`,
      means: otherwise,
      remedy: `let it pass before that: ${rule}`,
    };
  }
  const doubts = judgement.mayStop.map(
    ({ fate, culprit }) => `${MAY[fate]} by ${culprit.where}${dependsOn(culprit.dependsOn)}`,
  );
  if (doubts.length > 0 || unread.length > 0) {
    return {
      status: 'warn',
      found: `${what} passes as far as could be judged (${judged(judgement)}); ${[...doubts, ...unread].join('; ')}`,
      means: 'whether the packets pass depends on what could not be judged',
      remedy: `look there, or let them pass first: ${rule}`,
    };
  }
  return { status: 'ok', found: `${what} passes (${judged(judgement)})` };
}

/** The first packet of a client to a server, and the server's answer; each as its receiver and sender meet it. */
function packetOf(facts: FirewallCheckFacts, direction: 'in' | 'out'): JudgedPacket | undefined {
  const { mode, port, remotePort, network } = facts;
  const { outer } = network;
  if (typeof outer === 'string') return undefined;
  const isIn = direction === 'in';
  const [here, there] = [
    { address: outer.address, port },
    { address: outer.remote, port: remotePort },
  ];
  const [from, to] = isIn ? [there, here] : [here, there];
  const device = { name: outer.device, index: outer.deviceIndex };
  return {
    version: 4,
    direction,
    source: from.address,
    destination: to.address,
    sourcePort: from.port,
    destinationPort: to.port,
    protocol: IPPROTO_UDP,
    inDevice: isIn ? device : undefined,
    outDevice: isIn ? undefined : device,
    state: (mode === 'server') === isIn ? 'new' : 'established',
  };
}

const stopWords = ({ fate }: Stop): string =>
  fate === 'diverted' ? 'is sent elsewhere' : fate === 'drop' ? 'is dropped' : 'does not get through';

const MAY: Readonly<Record<Stop['fate'], string>> = {
  drop: 'may be dropped',
  diverted: 'may be sent elsewhere',
  queued: 'may be handed to a program',
  unknown: 'is treated in a way that is not known here',
};

const dependsOn = (reasons: readonly string[]): string =>
  reasons.length === 0 ? '' : ` (depending on ${reasons.slice(0, 3).join(', ')})`;

const judged = ({ chains }: FirewallJudgement): string =>
  chains === 0 ? 'no nftables chain on its way' : `${chains} nftables chain${chains === 1 ? '' : 's'} judged`;

function unreadWords({ unread, legacyTables }: FirewallFacts, version: IpVersion): string[] {
  const [tables, name] = [legacyTables[version], version === 4 ? 'iptables' : 'ip6tables'];
  const legacy =
    tables.length === 0
      ? []
      : [`rules of the older ${name} are not judged (tables ${tables.join(', ')}: ${name}-legacy-save)`];
  return [...unread.map((what) => `not read: ${what}`), ...legacy];
}

const acceptRule = ({ port }: FirewallCheckFacts, direction: 'in' | 'out'): string =>
  direction === 'in'
    ? `nft insert rule FAMILY TABLE CHAIN udp dport ${port} accept (iptables -I INPUT -p udp --dport ${port} -j ACCEPT; firewall-cmd --add-port=${port}/udp; ufw allow ${port}/udp)`
    : `nft insert rule FAMILY TABLE CHAIN udp sport ${port} accept (iptables -I OUTPUT -p udp --sport ${port} -j ACCEPT)`;
