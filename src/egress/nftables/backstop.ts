/**
 * The last look at what leaves, in a table of its own that goes with the daemon's socket: nobody else can flush it. The
 * egress table can be gone between two hooks that a packet passes; then the packet bears the mark of the first still, and
 * nothing has translated it.
 */
import type { Batch } from '../../netlink/nftables/batch.js';
import { immediateVerdict, type Expression } from '../../netlink/nftables/expressions/index.js';
import { hasEgressMark, isFromThisHost, isTranslated } from './matches.js';
import { BACKSTOP_PRIORITY, CHAIN_BACKSTOP, FAMILY } from './names.js';
import { outOfTunnels } from './out-of-tunnels.js';
import { TableBuilder } from './table-builder.js';
import type { TunnelEgress } from './tunnel-egress.js';

/** Adds the table to the batch, which must not have one of that name. */
export function addBackstop(batch: Batch, { table: name, comment, tunnels }: BackstopSettings): void {
  batch.addTable({ family: FAMILY, name, comment, isTheSockets: true });
  const table = new TableBuilder(batch, name);
  table.chain(CHAIN_BACKSTOP, { type: 'filter', hook: 'postrouting', priority: BACKSTOP_PRIORITY, policy: 'accept' });
  const end = (kind: 'accept' | 'drop'): Expression => immediateVerdict({ kind });
  table.rule(CHAIN_BACKSTOP, 'translated', [...isTranslated(), end('accept')]);
  // Others may use the bit as well, on what comes from elsewhere.
  const ours = [...hasEgressMark(), ...outOfTunnels(table, tunnels)];
  // A tunnel hands on what it has wrapped up with the mark of what is in it, and with itself as the device it came in by.
  table.rule(CHAIN_BACKSTOP, "the host's own", [...ours, ...isFromThisHost(), end('accept')]);
  table.rule(CHAIN_BACKSTOP, 'let go by nobody', [...ours, end('drop')]);
  table.finish();
}

export interface BackstopSettings {
  readonly table: string;
  readonly comment: string;
  readonly tunnels: readonly Pick<TunnelEgress, 'device'>[];
}
