/** Which packets a policy is about: transport protocols, each of an IP version. */
import type { AddressFamily } from './address.js';
import { accept, refuse, type Parsed } from './parsed.js';

/** What policies tell apart; `other` is what has no name here, and goes with whole IP versions only. */
export const TRANSPORTS = ['tcp', 'udp', 'icmp', 'other'] as const;
export type Transport = (typeof TRANSPORTS)[number];

/** The transports of each IP version. */
export type Protocols = Readonly<Record<AddressFamily, ReadonlySet<Transport>>>;

const ALL: ReadonlySet<Transport> = new Set(TRANSPORTS);
const NONE: ReadonlySet<Transport> = new Set();

export const ANY_PROTOCOL: Protocols = { ip: ALL, ip6: ALL };

const byName = new Map<string, Protocols>([
  ['any', ANY_PROTOCOL],
  ['ipv4', { ip: ALL, ip6: NONE }],
  ['ipv6', { ip: NONE, ip6: ALL }],
]);
for (const transport of ['tcp', 'udp', 'icmp'] as const) {
  const only = new Set([transport]);
  byName.set(transport, { ip: only, ip6: only });
  byName.set(`${transport}4`, { ip: only, ip6: NONE });
  byName.set(`${transport}6`, { ip: NONE, ip6: only });
}

export const PROTOCOL_NAMES = [...byName.keys()].sort();

/** Names as tunrotate has them, and `icmp`; upper and lower case are the same. */
export function parseProtocols(names: readonly string[]): Parsed<Protocols> {
  if (names.length === 0) return refuse('names no protocol');
  const unknown = names.find((name) => !byName.has(name.toLowerCase()));
  if (unknown !== undefined) return refuse(unknown === '' ? 'has an empty protocol' : 'has an unknown protocol');
  const parts = names.flatMap((name) => byName.get(name.toLowerCase()) ?? []);
  return accept({
    ip: new Set(parts.flatMap(({ ip }) => [...ip])),
    ip6: new Set(parts.flatMap(({ ip6 }) => [...ip6])),
  });
}

/** The names that say it, as few as there can be. */
export function formatProtocols({ ip, ip6 }: Protocols): string {
  if (ip.size === ALL.size && ip6.size === ALL.size) return 'any';
  const names: string[] = [];
  if (ip.size === ALL.size) names.push('ipv4');
  if (ip6.size === ALL.size) names.push('ipv6');
  for (const transport of TRANSPORTS) {
    const in4 = ip.size < ALL.size && ip.has(transport);
    const in6 = ip6.size < ALL.size && ip6.has(transport);
    if (in4 || in6) names.push(`${transport}${in4 && in6 ? '' : in4 ? '4' : '6'}`);
  }
  return names.join(',');
}
