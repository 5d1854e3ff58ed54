/** The table of announcements in the kernel. */
import { Batch } from '../../netlink/nftables/batch.js';
import { NftablesClient } from '../../netlink/nftables/client.js';
import { RecordedTable } from '../../netlink/nftables/recorded-table.js';
import { ForeignTableError } from '../nftables/table.js';
import type { SayChange } from '../../log/index.js';
import { addAnnounceTable, FAMILY, type AnnounceSettings } from './ruleset.js';

type Wanted = Omit<AnnounceSettings, 'table' | 'comment'>;

export class AnnounceTable {
  private readonly nft: NftablesClient;
  private readonly name: string;
  private readonly comment: string;

  private readonly say: SayChange;

  private constructor(nft: NftablesClient, name: string, comment: string, say: SayChange) {
    this.nft = nft;
    this.name = name;
    this.comment = comment;
    this.say = say;
  }

  /** `comment` tells our table from one that only has its name; `say` is told each change. */
  static open(name: string, comment: string, say: SayChange = () => undefined): AnnounceTable {
    return new AnnounceTable(NftablesClient.open(), name, comment, say);
  }

  /** In one transaction. Rejects with ForeignTableError where the table is there and not ours. */
  async install(wanted: Wanted): Promise<void> {
    if (await this.isForeign()) {
      throw new ForeignTableError(
        `the nftables table ${FAMILY} ${this.name} is there already and not ours: remove it (nft delete table ${FAMILY} ${this.name}), or choose another name with --nft-table`,
      );
    }
    const batch = this.removal();
    addAnnounceTable(batch, { ...wanted, table: this.name, comment: this.comment });
    const table = `table ${FAMILY} ${this.name}`;
    this.say(
      () => `nftables ${table} put in place (nft list ${table} shows it; nft has no words to make its answers by)`,
    );
    await this.nft.commit(batch);
  }

  /** What the table in the kernel has otherwise, in words; empty where nothing. Elements are not compared. */
  async compare(wanted: Wanted): Promise<readonly string[]> {
    const expected = new RecordedTable();
    addAnnounceTable(expected, { ...wanted, table: this.name, comment: this.comment });
    return expected.compare({
      table: await this.nft.table({ family: FAMILY, name: this.name }),
      sets: await this.nft.sets(FAMILY, this.name),
      chains: await this.nft.chains(FAMILY, this.name),
      rules: await this.nft.rules(FAMILY, this.name),
    });
  }

  /** Whether there is a table that is ours. */
  async isLeft(): Promise<boolean> {
    return (await this.nft.table({ family: FAMILY, name: this.name }))?.comment === this.comment;
  }

  /** Resolves also where it is gone, or somebody else's. */
  async remove(): Promise<void> {
    if (await this.isForeign()) return;
    this.say(() => `nft delete table ${FAMILY} ${this.name}`);
    await this.nft.commit(this.removal());
  }

  close(): void {
    this.nft.close();
  }

  private async isForeign(): Promise<boolean> {
    const there = await this.nft.table({ family: FAMILY, name: this.name });
    return there !== undefined && there.comment !== this.comment;
  }

  private removal(): Batch {
    const table = { family: FAMILY, name: this.name } as const;
    return new Batch().addTable(table).deleteTable(table);
  }
}
