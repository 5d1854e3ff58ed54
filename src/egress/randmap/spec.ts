/** One rule that maps addresses and ports packet by packet: which packets, and what they get. */
import type { AddressFamily } from '../address.js';
import { formatRange, type AddressRange } from '../address-range.js';
import type { PortRange } from '../policy.js';
import {
  IPPROTO_ICMP,
  IPPROTO_ICMPV6,
  IPPROTO_SCTP,
  IPPROTO_TCP,
  IPPROTO_UDP,
  IPPROTO_UDPLITE,
} from '../nftables/matches.js';

export const HOOKS = ['PREROUTING', 'INPUT', 'FORWARD', 'OUTPUT', 'POSTROUTING'] as const;
export type RandmapHook = (typeof HOOKS)[number];

/** Which device a packet has at a hook: the one it came in by, the one it leaves by. */
export const HOOKS_WITH_INPUT: readonly RandmapHook[] = ['PREROUTING', 'INPUT', 'FORWARD'];
export const HOOKS_WITH_OUTPUT: readonly RandmapHook[] = ['FORWARD', 'OUTPUT', 'POSTROUTING'];

/** By the names that `-p` takes; the rest goes by number. */
export const PROTOCOLS: ReadonlyMap<string, number> = new Map([
  ['icmp', IPPROTO_ICMP],
  ['tcp', IPPROTO_TCP],
  ['udp', IPPROTO_UDP],
  ['icmpv6', IPPROTO_ICMPV6],
  ['sctp', IPPROTO_SCTP],
  ['udplite', IPPROTO_UDPLITE],
]);
export const PORT_PROTOCOLS: readonly number[] = [IPPROTO_TCP, IPPROTO_UDP, IPPROTO_SCTP, IPPROTO_UDPLITE];

/** What a side of the packet is compared with, and what it gets: a fixed value where there is only one. */
export interface SideSpec {
  readonly match?: AddressRange;
  readonly matchPorts?: PortRange;
  readonly prefix?: AddressRange;
  readonly ports?: PortRange;
}

export interface RandmapSpec {
  readonly hook: RandmapHook;
  readonly protocol?: number;
  readonly inputDevice?: string;
  readonly outputDevice?: string;
  readonly source: SideSpec;
  readonly destination: SideSpec;
  /** The output device is set so that no two packets share one draw. */
  readonly everyPacket: boolean;
}

/** undefined where the rule is about ports only, and therefore about both. */
export function familyOf({ source, destination, protocol }: RandmapSpec): AddressFamily | undefined {
  const range = source.match ?? source.prefix ?? destination.match ?? destination.prefix;
  if (range !== undefined) return range.family;
  return protocol === IPPROTO_ICMP ? 'ip' : protocol === IPPROTO_ICMPV6 ? 'ip6' : undefined;
}

/** The words that make the rule. */
export function formatSpec(spec: RandmapSpec): string {
  const { hook, source, destination, inputDevice, outputDevice } = spec;
  const words: (string | undefined)[][] = [
    ['-s', source.match && formatCidr(source.match)],
    ['-d', destination.match && formatCidr(destination.match)],
    ['-p', spec.protocol === undefined ? undefined : protocolName(spec.protocol)],
    ['--match-sport', source.matchPorts && formatPorts(source.matchPorts)],
    ['--match-dport', destination.matchPorts && formatPorts(destination.matchPorts)],
    ['-i', inputDevice],
    ['-o', outputDevice],
    ['--src-pfx', source.prefix && formatCidr(source.prefix)],
    ['--dst-pfx', destination.prefix && formatCidr(destination.prefix)],
    ['--sport', source.ports && formatPorts(source.ports)],
    ['--dport', destination.ports && formatPorts(destination.ports)],
  ];
  const given = words.filter(([, value]) => value !== undefined).flat();
  return [hook, ...given, ...(spec.everyPacket ? ['--every-packet'] : [])].join(' ');
}

function formatCidr(range: AddressRange): string {
  const text = formatRange(range);
  return text.includes('/') ? text : `${text}/${range.prefixLength ?? ''}`;
}

const formatPorts = ({ from, to }: PortRange): string => `${from}:${to}`;

const protocolName = (number: number): string =>
  [...PROTOCOLS].find(([, known]) => known === number)?.[0] ?? String(number);
