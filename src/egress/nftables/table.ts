/** The egress table in the kernel, and with it the guard that shuts the tunnels where the table is missing. */
import { ConntrackClient } from '../../netlink/conntrack/client.js';
import { Batch } from '../../netlink/nftables/batch.js';
import { NftablesClient } from '../../netlink/nftables/client.js';
import {
  addElementsCommand,
  addTableCommand,
  deleteElementsCommand,
  deleteTableCommand,
} from '../../netlink/nftables/commands.js';
import { RecordedTable } from '../../netlink/nftables/recorded-table.js';
import { addressOf, FAMILIES, formatAddress, type IpAddress } from '../address.js';
import { formatRange } from '../address-range.js';
import { isKernelError } from '../../netlink/errors.js';
import type { TableRef } from '../../netlink/nftables/table.js';
import { addBackstop } from './backstop.js';
import { dropEstablished } from './established.js';
import { Guard, type Shut } from '../guard/guard.js';
import type { SayChange } from '../../log/index.js';
import { FAMILY, heldMap } from './names.js';
import type { TunnelEgress } from './tunnel-egress.js';
import { addEgressTable, heldElements, type EgressSettings, type HeldAddress } from './ruleset.js';

const IFNAMSIZ = 16;

type Backstop = { readonly kind: 'none' | 'unsupported' } | { readonly kind: 'there'; readonly what: string };

/** A table of that name is somebody else's. */
export class ForeignTableError extends Error {
  override readonly name = 'ForeignTableError';
}

export interface EgressTableSettings {
  readonly name: string;
  /** Tells our table from one that only has its name. */
  readonly comment: string;
}

export class EgressTable {
  private readonly nft: NftablesClient;
  private readonly guard: Guard;
  private readonly conntrack: ConntrackClient;
  private readonly name: string;
  private readonly comment: string;
  private readonly say: SayChange;
  private backstop: Backstop = { kind: 'none' };

  private constructor({ name, comment }: EgressTableSettings, say: SayChange) {
    this.nft = NftablesClient.open();
    this.guard = new Guard(say);
    this.conntrack = ConntrackClient.open();
    this.name = name;
    this.comment = comment;
    this.say = say;
  }

  /** `say` is told each change, as a command where one makes it. */
  static open(settings: EgressTableSettings, say: SayChange = () => undefined): EgressTable {
    return new EgressTable(settings, say);
  }

  close(): void {
    this.nft.close();
    this.guard.close();
    this.conntrack.close();
  }

  /**
   * Removes what an earlier run left, as `remove` does; somebody may have removed the table before. Resolves with whether
   * there was a table of that comment.
   */
  static async dropLeft(settings: EgressTableSettings, devices: readonly string[], say?: SayChange): Promise<boolean> {
    const table = EgressTable.open(settings, say);
    try {
      const isLeft = await table.isOurs();
      if (isLeft) await table.remove(devices);
      else await table.guard.open(devices);
      return isLeft;
    } finally {
      table.close();
    }
  }

  /**
   * What an earlier run's tunnels held; empty where there is no table. Rejects with ForeignTableError where the table is
   * not ours.
   */
  async left(): Promise<readonly HeldAddress[]> {
    const table = await this.nft.table({ family: FAMILY, name: this.name });
    if (table === undefined) return [];
    if (table.comment !== this.comment) {
      throw new ForeignTableError(
        `the nftables table ${FAMILY} ${this.name} is there already and not ours: remove it (nft delete table ${FAMILY} ${this.name}), or choose another name with --nft-table`,
      );
    }
    const held: HeldAddress[] = [];
    for (const family of FAMILIES) {
      for (const { key, data } of await this.nft.elements(heldMap(this.name, family))) {
        const address = Buffer.isBuffer(data) ? addressOf(data) : undefined;
        if (key.length !== IFNAMSIZ + 4 || address?.family !== family) continue;
        const device = key.toString('utf8', 0, key.includes(0) ? key.indexOf(0) : IFNAMSIZ);
        held.push({ device, index: key.readUInt32LE(IFNAMSIZ), address });
      }
    }
    return held;
  }

  /** First the way is shut, then the table opens it: packets meet the old table or the new one, never none. */
  async install(settings: Omit<EgressSettings, 'table' | 'comment'>): Promise<Shut> {
    const shut = await this.shut(settings.tunnels.map(({ device }) => device));
    await this.putBackstop(settings.tunnels);
    const batch = this.withoutTable();
    addEgressTable(batch, { ...settings, table: this.name, comment: this.comment });
    const table = `table ${FAMILY} ${this.name}`;
    this.say(
      () => `nftables ${table} put in place (nft list ${table} shows it; nft has no words to make its draws by)`,
    );
    await this.nft.commit(batch);
    return shut;
  }

  /** Without the table nothing leaves those of the tunnels' devices that are there, from then on. */
  async shut(devices: readonly string[]): Promise<Shut> {
    return await this.guard.shut(devices);
  }

  /** What the table in the kernel has otherwise, in words; empty where nothing. Elements are not compared. */
  async compare(settings: Omit<EgressSettings, 'table' | 'comment'>): Promise<readonly string[]> {
    const expected = new RecordedTable();
    addEgressTable(expected, { ...settings, table: this.name, comment: this.comment });
    return expected.compare({
      table: await this.nft.table({ family: FAMILY, name: this.name }),
      sets: await this.nft.sets(FAMILY, this.name),
      chains: await this.nft.chains(FAMILY, this.name),
      rules: await this.nft.rules(FAMILY, this.name),
    });
  }

  /** Connections that are there keep the address they have. In one transaction: a tunnel holds the old or the new one. */
  async move(from: readonly HeldAddress[], to: readonly HeldAddress[]): Promise<void> {
    const batch = new Batch();
    for (const family of FAMILIES) {
      const map = heldMap(this.name, family);
      const ofFamily = ({ address }: HeldAddress): boolean => address.family === family;
      const [left, held] = [heldElements(from.filter(ofFamily)), heldElements(to.filter(ofFamily))];
      batch.deleteElements(map, left);
      batch.addElements(map, held);
      if (left.length > 0) this.say(() => `nft ${deleteElementsCommand(map, left)}`);
      if (held.length > 0) this.say(() => `nft ${addElementsCommand(map, held)}`);
    }
    if (batch.length > 0) await this.nft.commit(batch);
  }

  /** Whether the device with this index has a filter that shuts it. */
  hasFilter(index: number): boolean {
    return this.guard.hasFilter(index);
  }

  /** Ends the connections that have one of these addresses; gives their number. */
  async dropEstablished(addresses: readonly IpAddress[]): Promise<number> {
    return await dropEstablished(this.conntrack, addresses);
  }

  /** Whoever flushed the ruleset has done half of it already. Only once no packet comes out of the tunnels any more. */
  async remove(devices: readonly string[]): Promise<void> {
    const table = { family: FAMILY, name: this.name } as const;
    this.say(() => `nft ${addTableCommand(table)}; ${deleteTableCommand(table)}`);
    const batch = this.withoutTable();
    if (this.backstop.kind === 'there') batch.deleteTable(this.backstopTable);
    await this.nft.commit(batch);
    this.backstop = { kind: 'none' };
    await this.guard.open(devices);
  }

  /** A batch that removes the table, be it there or not. */
  private withoutTable(): Batch {
    const table = { family: FAMILY, name: this.name } as const;
    return new Batch().addTable(table).deleteTable(table);
  }

  /** Kernels that have no tables that go with their socket do without: Linux has them since 5.12. */
  private async putBackstop(tunnels: EgressSettings['tunnels']): Promise<void> {
    const what = tunnels.map(describeTunnel).join();
    const { backstop } = this;
    if (backstop.kind === 'unsupported' || (backstop.kind === 'there' && backstop.what === what)) return;
    const { backstopTable: table, comment } = this;
    const batch = new Batch();
    if (backstop.kind === 'there') batch.deleteTable(table);
    addBackstop(batch, { table: table.name, comment, tunnels });
    try {
      await this.nft.commit(batch);
      this.say(() => `nftables table ${FAMILY} ${table.name} put in place, which goes with this process`);
      this.backstop = { kind: 'there', what };
    } catch (error) {
      if (!isKernelError(error, 'EINVAL', 'EOPNOTSUPP')) throw error;
      this.backstop = { kind: 'unsupported' };
    }
  }

  private get backstopTable(): TableRef {
    return { family: FAMILY, name: `${this.name}-backstop` };
  }

  private async isOurs(): Promise<boolean> {
    return (await this.nft.table({ family: FAMILY, name: this.name }))?.comment === this.comment;
  }
}

/** As far as it is in the backstop. */
const describeTunnel = ({ device, inner, networks = [] }: TunnelEgress): string =>
  [device, ...Object.values(inner).map(formatAddress), ...networks.map(formatRange)].join(' ');
