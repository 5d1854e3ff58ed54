/**
 * What becomes of the packets that leave a tunnel for the world. Policies are a list: the first that is about a packet
 * decides, and what none is about is dropped.
 */
import type { AddressFamily } from './address.js';
import { FAMILIES } from './address.js';
import { formatPool, type Pool } from './pool.js';
import { formatProtocols, type Protocols, type Transport } from './protocols.js';
import { formatTimeouts, type Timeouts } from './timeouts.js';

/** Both ends included, 0 to 65535. */
export interface PortRange {
  readonly from: number;
  readonly to: number;
}

/** `port` is the one behind the tunnel that stands for all of `ports`. */
export type Action =
  | { readonly mode: 'passthrough' }
  | { readonly mode: 'masquerade'; readonly ports?: PortRange; readonly timeouts?: Timeouts }
  | { readonly mode: 'drop' }
  | ConnectionRotation
  | TunnelRotation
  | PacketRotation;

export interface ConnectionRotation {
  readonly mode: 'rotate';
  readonly per: 'connection';
  readonly pool: Pool;
  readonly ports?: PortRange;
  readonly timeouts?: Timeouts;
  /** Whether the server's own addresses are drawn too. */
  readonly drawsOwn: boolean;
}

/** One address until it is drawn anew: after a while, when the peer roams, or when somebody says so. */
export interface TunnelRotation {
  readonly mode: 'rotate';
  readonly per: 'tunnel';
  readonly pool: Pool;
  readonly ports?: PortRange;
  readonly timeouts?: Timeouts;
  readonly everyMs?: number;
  readonly onRoam: boolean;
  /** Whether connections from the address before end when another one is drawn. */
  readonly dropEstablished: boolean;
  readonly drawsOwn: boolean;
}

/**
 * A fresh address for each packet, and with `ports` a fresh port too. What comes to an address of the pool goes to the
 * tunnel, and to `innerPort` there where that is given; nothing else tells which port it was.
 */
export interface PacketRotation {
  readonly mode: 'rotate';
  readonly per: 'packet';
  readonly pool: Pool;
  readonly ports?: PortRange;
  readonly innerPort?: number;
}

export interface Policy {
  readonly protocols: Protocols;
  /** The devices that packets leave by; none named: any. */
  readonly interfaces: readonly string[];
  readonly action: Action;
}

/** What of its protocols a policy decides: a rotation leaves IP versions that its pool has nothing of to the next one. */
export function decidedTransports({ protocols, action }: Policy, family: AddressFamily): ReadonlySet<Transport> {
  const lacksFamily = action.mode === 'rotate' && action.pool[family].length === 0;
  return lacksFamily ? new Set() : protocols[family];
}

/** The policy before this one that takes everything it could; undefined where it has packets of its own. */
export function findShadow(policies: readonly Policy[], index: number): number | undefined {
  const policy = policies[index];
  if (policy === undefined) return undefined;
  const earlier = policies.slice(0, index).findIndex((other) => covers(other, policy));
  return earlier < 0 ? undefined : earlier;
}

/** `rotate addresses=198.51.100.1-198.51.100.254 per=tunnel protocols=tcp every=600s,roam` */
export function formatPolicy({ protocols, interfaces, action }: Policy): string {
  const words: string[] = [action.mode];
  if (action.mode === 'rotate') {
    const addresses = formatPool(action.pool).replaceAll(', ', ',');
    words.push(`addresses=${addresses}`, `per=${action.per}`);
    // Read back without it, a prefix would lose its ends.
    if (/\.[0-9]+\/([0-9]|[12][0-9]|30)(,|$)/.test(addresses)) words.push('edges=yes');
    if (action.per === 'tunnel') {
      const every: string[] = [];
      if (action.everyMs !== undefined) every.push(`${action.everyMs / 1000}s`);
      if (action.onRoam) every.push('roam');
      if (every.length > 0) words.push(`every=${every.join(',')}`);
      if (action.dropEstablished) words.push('established=drop');
    }
    if (action.per !== 'packet' && action.drawsOwn) words.push('own=yes');
    if (action.per === 'packet' && action.innerPort !== undefined) words.push(`inner-port=${action.innerPort}`);
  }
  const ports = 'ports' in action ? action.ports : undefined;
  if (ports !== undefined) words.push(`ports=${ports.from}-${ports.to}`);
  if ('timeouts' in action) words.push(...formatTimeouts(action.timeouts));
  words.push(`protocols=${formatProtocols(protocols)}`);
  if (interfaces.length > 0) words.push(`interfaces=${interfaces.join(',')}`);
  return words.join(' ');
}

function covers(a: Policy, b: Policy): boolean {
  const devices = a.interfaces.length === 0 || (b.interfaces.length > 0 && isSubset(b.interfaces, a.interfaces));
  const packets = FAMILIES.every((family) =>
    isSubset([...decidedTransports(b, family)], [...decidedTransports(a, family)]),
  );
  return devices && packets;
}

const isSubset = <T>(part: readonly T[], whole: readonly T[]): boolean => part.every((one) => whole.includes(one));
