/** What a host has of the things that a tunnel is made of. */
import type { Namespace } from '../test/lab/support/index.js';

export interface Inventory {
  readonly devices: readonly string[];
  readonly listeners: readonly string[];
  readonly tables: readonly string[];
}

export async function takeInventory(ns: Namespace): Promise<Inventory> {
  const links = (await ns.ipJson('link show')) as { readonly ifname: string }[];
  const { stdout } = await ns.exec(['nft', 'list', 'tables']);
  return {
    devices: links.map(({ ifname }) => ifname).sort(),
    listeners: (await listeners(ns)).map((port) => `UDP ${port}`),
    tables: stdout.split('\n').filter((line) => line !== ''),
  };
}

/** None on a kernel without FOU. */
async function listeners(ns: Namespace): Promise<number[]> {
  const { code, stdout } = await ns.exec(['ip', '-json', 'fou', 'show'], { mayFail: true });
  return code === 0 ? (JSON.parse(stdout) as { readonly port: number }[]).map(({ port }) => port) : [];
}

export const describeInventory = ({ devices, listeners, tables }: Inventory): string =>
  [
    `devices: ${devices.join(', ')}`,
    `FOU listeners: ${listeners.join(', ') || 'none'}`,
    `nftables tables: ${tables.join(', ') || 'none'}`,
  ].join('\n');

export const sameInventory = (one: Inventory, other: Inventory): boolean =>
  describeInventory(one) === describeInventory(other);
