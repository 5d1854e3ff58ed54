/**
 * What shuts the tunnels where the egress table is missing, whoever has flushed the ruleset: kept apart from nftables on
 * purpose. A filter on each tunnel's device, and where the kernel has none a routing rule for it.
 */
import { KernelError } from '../../netlink/errors.js';
import { RouteClient } from '../../netlink/route/client.js';
import type { PolicyRule } from '../../netlink/route/rule.js';
import type { SayChange } from '../../log/index.js';
import { dropsBroadcast, GuardFilters, PlaceTakenError, type Device } from './filters.js';
import { inBatches } from './in-batches.js';
import { GuardRules } from './rules.js';

/** What had to be done. */
export interface Shut {
  /** So much of it was gone since the last time. */
  readonly gone: number;
  /** So many routing rules stood behind rules of others, and stand ahead of them now. */
  readonly moved: number;
  /** A rule of somebody else's that there is no room ahead of. */
  readonly ahead: PolicyRule | undefined;
  /** Why a device takes no filter, as far as one does not. */
  readonly noFilter: string | undefined;
}

export class Guard {
  private readonly route = RouteClient.open();
  private readonly filters: GuardFilters;
  private readonly rules: GuardRules;
  /** Why none is tried any more; undefined while the kernel may have them. */
  private noFilters: string | undefined;
  /** How each device was shut last, by its name: the index of the one with the filter. */
  private readonly ways = new Map<string, number | 'rule'>();

  /** Does nothing yet. Throws SystemError. */
  constructor(say: SayChange) {
    this.filters = new GuardFilters(say);
    this.rules = new GuardRules(say);
  }

  close(): void {
    this.route.close();
    this.filters.close();
    this.rules.close();
  }

  /** From then on what comes out of those of the devices that are there leads nowhere without the egress table. */
  async shut(names: readonly string[]): Promise<Shut> {
    const filtered: string[] = [];
    const ruled: string[] = [];
    let [gone, moved] = [0, 0];
    let noFilter: string | undefined;
    await inBatches(await this.find(names), async (device) => {
      const { name, index } = device;
      const outcome = await this.filter(device);
      if (outcome === 'made' || outcome === 'there') {
        if (outcome === 'made' && this.ways.get(name) === index) gone += 1;
        this.ways.set(name, index);
        filtered.push(name);
      } else if (outcome !== undefined) {
        noFilter = outcome.obstacle;
        ruled.push(name);
      }
    });
    let ahead: PolicyRule | undefined;
    if (ruled.length > 0) {
      const shut = await this.rules.shut(ruled);
      if (ruled.every((name) => this.ways.get(name) === 'rule')) gone += shut.made;
      for (const name of ruled) this.ways.set(name, 'rule');
      ({ moved, ahead } = shut);
    }
    // Those of an earlier run, or of the device before it took a filter.
    if (filtered.length > 0) await this.rules.open(filtered);
    return { gone, moved, ahead, noFilter };
  }

  async open(names: readonly string[]): Promise<void> {
    await this.rules.open(names);
    await inBatches(await this.find(names), (device) => this.filters.open(device));
    for (const name of names) this.ways.delete(name);
  }

  /** Whether it shut the device with this index by a filter. */
  hasFilter(index: number): boolean {
    return [...this.ways.values()].includes(index);
  }

  private async find(names: readonly string[]): Promise<Device[]> {
    const [name, another] = names;
    if (name === undefined) return [];
    if (another === undefined) {
      const link = await this.route.linkByName(name);
      return link === undefined ? [] : [link];
    }
    const wanted = new Set(names);
    return (await this.route.links()).filter((link) => wanted.has(link.name));
  }

  /** Resolves with undefined where the device is gone by then. */
  private async filter(device: Device): Promise<'made' | 'there' | { readonly obstacle: string } | undefined> {
    if (this.noFilters !== undefined) return { obstacle: this.noFilters };
    if (dropsBroadcast(device.name)) {
      await this.filters.open(device);
      return { obstacle: `net.ipv6.conf.${device.name}.drop_unicast_in_l2_multicast is on` };
    }
    try {
      return (await this.filters.shut(device)) ? 'made' : 'there';
    } catch (error) {
      if (error instanceof PlaceTakenError) return { obstacle: error.message };
      if (!(error instanceof KernelError)) throw error;
      if (error.code === 'ENODEV') return undefined;
      // An unknown kind of hook, filter or action. Each further try would have the kernel look for its module.
      if (error.code === 'ENOENT' || error.code === 'EOPNOTSUPP') this.noFilters = error.message;
      return { obstacle: error.message };
    }
  }
}
