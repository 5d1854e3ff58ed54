/** The way back of `per=packet`: what comes to an address of a pool goes to the tunnel that draws from it. */
import { counter } from '../../netlink/nftables/expressions/index.js';
import { FAMILIES, type AddressFamily, type IpAddress } from '../address.js';
import { subtract, type Interval, type Intervals } from '../interval.js';
import type { PacketRotation } from '../policy.js';
import { poolWithout } from '../pool.js';
import { icmpErrorRules } from '../randmap/icmp-errors.js';
import { mappingRules } from '../randmap/mapping.js';
import type { RandmapSpec } from '../randmap/spec.js';
import { jumpTo } from './draw-chains.js';
import { intervalElements } from './interval-elements.js';
import { RETURN } from './names.js';
import type { TableBuilder } from './table-builder.js';
import type { TunnelEgress } from './tunnel-egress.js';

/**
 * An address that two tunnels draw from comes back to the first of them. What is for the server's own addresses is not
 * the tunnels'.
 */
export function addReturns(
  table: TableBuilder,
  earlyChain: string,
  tunnels: readonly TunnelEgress[],
  own: readonly IpAddress[],
): void {
  for (const family of FAMILIES) {
    const elements: { readonly interval: Interval; readonly chain: string }[] = [];
    let taken: Intervals = [];
    let count = 0;
    for (const { inner, policies } of tunnels) {
      const to = inner[family];
      for (const { action } of policies) {
        if (to === undefined || action.mode !== 'rotate' || action.per !== 'packet') continue;
        const fresh = subtract(poolWithout(action.pool, own)[family], taken);
        if (fresh.length === 0) continue;
        count += 1;
        const chain = `return-${family}-${count}`;
        table.chain(chain);
        for (const interval of fresh) {
          addErrors(table, earlyChain, `${chain}-errors`, returnSpec(family, interval, to, action));
          elements.push({ interval, chain });
        }
        const [first] = fresh;
        if (first === undefined) continue;
        for (const [index, rule] of mappingRules(returnSpec(family, first, to, action), true).entries()) {
          table.rule(chain, index === 0 ? 'back to its tunnel' : undefined, index === 0 ? [counter(), ...rule] : rule);
        }
        taken = [...taken, ...fresh].toSorted((a, b) => (a.first < b.first ? -1 : 1));
      }
    }
    table.set(
      { name: RETURN[family], key: [family === 'ip' ? 'ipv4_addr' : 'ipv6_addr'], data: 'verdict', intervals: true },
      elements
        .toSorted((a, b) => (a.interval.first < b.interval.first ? -1 : 1))
        .flatMap(({ interval, chain }) => intervalElements(family, interval, { data: { kind: 'jump', chain } })),
    );
  }
}

/** The same as a rule of the map at PREROUTING. */
function returnSpec(
  family: AddressFamily,
  { first, last }: Interval,
  to: IpAddress,
  { ports, innerPort }: PacketRotation,
): RandmapSpec {
  return {
    hook: 'PREROUTING',
    source: {},
    destination: {
      match: { family, first, last },
      prefix: { family, first: to.value, last: to.value },
      ...(ports !== undefined && innerPort !== undefined && { ports: { from: innerPort, to: innerPort } }),
    },
    everyPacket: false,
  };
}

function addErrors(table: TableBuilder, earlyChain: string, chain: string, spec: RandmapSpec): void {
  const rules = icmpErrorRules(spec, true);
  const [first] = rules;
  if (first === undefined) return;
  const name = `${chain}-${spec.destination.match?.first.toString(16) ?? ''}`;
  table.chain(name);
  for (const action of first.actions) table.rule(name, undefined, action);
  for (const { matches } of rules)
    table.rule(earlyChain, 'an error about a packet of a tunnel', [...matches, jumpTo(name)]);
}
