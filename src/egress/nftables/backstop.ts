/**
 * The last look at what leaves, in a table of its own that goes with the daemon's socket: nobody else can flush it. The
 * egress table can be gone between two hooks that a packet passes, and with it the kernel's hook that translates.
 *
 *     backstop   from an address in a tunnel, not let go as it is → dropped, wherever it came in
 *                out of a tunnel, let go by nobody                → dropped
 *
 * The first knows a packet by what it looks like, whatever connection tracking says of it; the second also what comes
 * from addresses that nobody has told us of.
 */
import type { Batch } from '../../netlink/nftables/batch.js';
import { NFT_REG_1 } from '../../netlink/nftables/constants.js';
import {
  immediateVerdict,
  lookup,
  NFT_PAYLOAD_NETWORK_HEADER,
  payloadLoad,
  type Expression,
} from '../../netlink/nftables/expressions/index.js';
import { FAMILIES, type AddressFamily } from '../address.js';
import { union, type Interval, type Intervals } from '../interval.js';
import { intervalElements } from './interval-elements.js';
import { addressIn, addressPlace, familyIs, hasEgressMark, isFromThisHost, mustNotBeAsItIs } from './matches.js';
import { gotoChain } from './draw-chains.js';
import { BACKSTOP_PRIORITY, CHAIN_BACKSTOP, CHAIN_MARKED, FAMILY } from './names.js';
import { outOfTunnels } from './out-of-tunnels.js';
import { TableBuilder } from './table-builder.js';
import type { TunnelEgress } from './tunnel-egress.js';

type Inside = Pick<TunnelEgress, 'inner' | 'networks'>;

export interface BackstopSettings {
  readonly table: string;
  readonly comment: string;
  readonly tunnels: readonly (Inside & Pick<TunnelEgress, 'device'>)[];
}

/** Adds the table to the batch, which must not have one of that name. */
export function addBackstop(batch: Batch, { table: name, comment, tunnels }: BackstopSettings): void {
  batch.addTable({ family: FAMILY, name, comment, isTheSockets: true });
  const table = new TableBuilder(batch, name);
  table.chain(CHAIN_BACKSTOP, { type: 'filter', hook: 'postrouting', priority: BACKSTOP_PRIORITY, policy: 'accept' });
  const end = (kind: 'accept' | 'drop'): Expression => immediateVerdict({ kind });
  for (const family of FAMILIES) {
    const inside = union(tunnels.flatMap((tunnel) => sourcesOf(tunnel, family)));
    if (inside.length === 0) continue;
    const [version, source] = [familyIs(family), sourceIn(table, family, inside)];
    // What costs least comes first: four bytes at hand are compared before the version is asked for, sixteen are not.
    const tests = family === 'ip' ? [...source, ...version] : [...version, ...source];
    table.rule(CHAIN_BACKSTOP, 'from inside a tunnel', [...tests, ...mustNotBeAsItIs(), end('drop')]);
  }
  table.chain(CHAIN_MARKED);
  table.rule(CHAIN_BACKSTOP, undefined, [...hasEgressMark(), gotoChain(CHAIN_MARKED)]);
  // A tunnel hands on what it has wrapped up with the mark of what is in it, and with itself as the device it came in by.
  table.rule(CHAIN_MARKED, "the host's own", [...isFromThisHost(), end('accept')]);
  // Others may use the bit as well, on what comes from elsewhere.
  table.rule(CHAIN_MARKED, 'let go by nobody', [...outOfTunnels(table, tunnels), end('drop')]);
  table.finish();
}

/** A route to everywhere says nothing of where what comes out of the tunnel is from. */
function sourcesOf({ inner, networks = [] }: Inside, family: AddressFamily): Interval[] {
  const peer = inner[family];
  const behind = networks.filter((one) => one.family === family && one.prefixLength !== 0);
  return [...(peer === undefined ? [] : [{ first: peer.value, last: peer.value }]), ...behind];
}

function sourceIn(table: TableBuilder, family: AddressFamily, intervals: Intervals): Expression[] {
  const [first, second] = intervals;
  if (first !== undefined && second === undefined) return addressIn(family, 'source', first);
  const set = `inside-${family}`;
  table.set(
    { name: set, key: [family === 'ip' ? 'ipv4_addr' : 'ipv6_addr'], intervals: true },
    intervals.flatMap((interval) => intervalElements(family, interval)),
  );
  const place = { base: NFT_PAYLOAD_NETWORK_HEADER, ...addressPlace(family, 'source') };
  return [payloadLoad({ ...place, dreg: NFT_REG_1 }), lookup({ set, sreg: NFT_REG_1 })];
}
