import { encodeFields } from '../../netlink/nftables/data-type.js';
import { lookup, metaLoad, NFT_META_IIFNAME, type Expression } from '../../netlink/nftables/expressions/index.js';
import { NFT_REG_1 } from '../../netlink/nftables/constants.js';
import { inputDeviceIs } from './matches.js';
import { TUNNELS } from './names.js';
import type { TableBuilder } from './table-builder.js';
import type { TunnelEgress } from './tunnel-egress.js';

/** Tests for what came in by one of the tunnels' devices; adds the set of them to the table where there are several. */
export function outOfTunnels(table: TableBuilder, tunnels: readonly Pick<TunnelEgress, 'device'>[]): Expression[] {
  const [first, second] = tunnels;
  if (first !== undefined && second === undefined) return inputDeviceIs(first.device);
  const elements = tunnels.map(({ device }) => ({ key: encodeFields(['ifname'], [device]) }));
  table.set({ name: TUNNELS, key: ['ifname'] }, elements);
  return [metaLoad({ key: NFT_META_IIFNAME, dreg: NFT_REG_1 }), lookup({ set: TUNNELS, sreg: NFT_REG_1 })];
}
