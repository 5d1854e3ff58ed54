/** The filter as nf_tables carries it: one table for each daemon, replaced and changed in single transactions. */
import type { SayChange } from '../../log/index.js';
import { sameEndpoint } from '../../core/endpoint.js';
import type { ClassifierScheme } from '../../core/classifier.js';
import { NftablesClient } from '../../netlink/nftables/client.js';
import { RecordedTable } from '../../netlink/nftables/recorded-table.js';
import { dropEndpoint, listEndpoints, putEndpoint, replaceEndpoint, type BoundEndpoint } from './endpoints.js';
import { inPart, PlaneError, UnsupportedError, isUnsupported } from '../common/errors.js';
import type { FilteredEnds, IngressFilter, WantedFilter } from './filter.js';
import { formatMark, parseMark, type Mark } from '../common/mark.js';
import { namingModules } from './missing-expressions.js';
import { RulesetChange } from './ruleset/change.js';
import { DropCounts } from './ruleset/drop-counts.js';
import { ENDPOINTS, FAMILY } from './ruleset/names.js';
import { addRuleset, moveRuleset } from './ruleset/ruleset.js';
import type { Step } from '../common/step.js';

/** A binding that ends so soon may have ended already, by the kernel's clock or by ours. */
const EXPIRY_TOLERANCE_MS = 2000;

/** For rules that never see a packet (RFC 5737). */
const NOBODY: FilteredEnds = {
  outer: { address: '192.0.2.1', port: 1 },
  tunnel: { device: 'nobody', internal: '192.0.2.2', peerAddress: '192.0.2.3' },
};

export interface NftFilterSettings {
  readonly table: string;
  readonly mark: Mark;
  readonly schemes: readonly ClassifierScheme[];
  /** Without a queue auth packets are dropped. */
  readonly queueNumber: number | undefined;
  /** See RulesetSettings. */
  readonly counters?: boolean | undefined;
  readonly announce: SayChange;
}

/** The table that an earlier run left. */
export interface LeftTable {
  readonly mark: Mark;
  readonly endpoints: readonly BoundEndpoint[];
  /** Our tables by other names, which have to go. */
  readonly obsolete: readonly string[];
}

export class NftFilter implements IngressFilter {
  /** What was there before us, if it was ours. */
  readonly left: LeftTable | undefined;
  private readonly settings: NftFilterSettings;
  private readonly nft: NftablesClient;
  private readonly drops = new DropCounts();
  private obsolete: readonly string[];

  private constructor(settings: NftFilterSettings, nft: NftablesClient, left: LeftTable | undefined) {
    this.settings = settings;
    this.nft = nft;
    this.left = left;
    this.obsolete = left?.obsolete ?? [];
  }

  /**
   * Looks at what is there and changes nothing. Rejects with UnsupportedError on a kernel without nf_tables, and with
   * PlaneError where a table of that name is not ours.
   */
  static async open(settings: NftFilterSettings): Promise<NftFilter> {
    let nft: NftablesClient | undefined;
    try {
      nft = NftablesClient.open();
      return new NftFilter(settings, nft, await inPart('nftables', findLeft(nft, settings)));
    } catch (error) {
      nft?.close();
      if (!isUnsupported(error)) throw error;
      throw new UnsupportedError('nftables', 'this kernel has no nf_tables (modprobe nf_tables, or another kernel)', {
        cause: error,
      });
    }
  }

  /**
   * Has the kernel take the whole table and throw it away again, in one transaction that changes nothing. There must not
   * be one. Rejects with UnsupportedError where the kernel lacks a module for it.
   */
  async prove(): Promise<void> {
    const change = new RulesetChange();
    this.build(change, NOBODY);
    change.removeTable({ family: FAMILY, name: this.settings.table });
    await this.send(change);
  }

  async plan(wanted: () => WantedFilter): Promise<Step[]> {
    const lacks = await inPart('nftables', this.compare(wanted()));
    if (this.obsolete.length > 0) lacks.push(`stands beside ${this.obsolete.join(', ')} of an earlier run`);
    if (lacks.length === 0) return [];
    const lack = `the nftables table ip ${this.settings.table} ${lacks.join(', ')}`;
    return [{ lack, mend: () => this.install(wanted()) }];
  }

  /**
   * Puts the table in place as a whole. Packets meet the old one or the new one, never none; but one that the kernel
   * has between two hooks just then may meet both, and be lost: what is as it should be is better left alone.
   */
  async install({ outer, tunnel, bound }: WantedFilter): Promise<void> {
    const { table } = this.settings;
    const change = new RulesetChange();
    for (const name of [table, ...this.obsolete]) change.removeTable({ family: FAMILY, name });
    this.build(change, { outer, tunnel });
    if (bound !== undefined) putEndpoint(change, table, bound);
    await this.commit(change);
    this.drops.beginAnew();
    this.obsolete = [];
  }

  async moveOuter({ outer, tunnel }: FilteredEnds): Promise<void> {
    const { table, schemes, queueNumber, counters } = this.settings;
    const change = new RulesetChange();
    moveRuleset(change, { table, outer, tunnel, schemes, queueNumber, counters });
    await this.commit(change);
  }

  async admit(bound: BoundEndpoint, before: BoundEndpoint | undefined): Promise<void> {
    const { table } = this.settings;
    const change = new RulesetChange();
    if (before === undefined) putEndpoint(change, table, bound);
    else replaceEndpoint(change, table, bound, before);
    await this.commit(change);
  }

  async shutOut(bound: BoundEndpoint): Promise<void> {
    const change = new RulesetChange();
    dropEndpoint(change, this.settings.table, bound);
    await this.commit(change);
  }

  async dropped(): Promise<ReadonlyMap<string, number>> {
    this.drops.see(await inPart('nftables', this.nft.rules(FAMILY, this.settings.table)));
    return this.drops.since;
  }

  async remove(): Promise<void> {
    // Whoever flushed the ruleset has done it already.
    await this.commit(new RulesetChange().removeTable({ family: FAMILY, name: this.settings.table }));
  }

  close(): void {
    this.nft.close();
  }

  private build(sink: Parameters<typeof addRuleset>[0], { outer, tunnel }: FilteredEnds): void {
    const { table, mark, schemes, queueNumber, counters } = this.settings;
    addRuleset(sink, { table, comment: formatMark(mark), outer, tunnel, schemes, queueNumber, counters });
  }

  private async compare({ outer, tunnel, bound }: WantedFilter): Promise<string[]> {
    const { nft } = this;
    const { table: name } = this.settings;
    const table = await nft.table({ family: FAMILY, name });
    const expected = new RecordedTable();
    this.build(expected, { outer, tunnel });
    const [sets, chains, rules] = [
      await nft.sets(FAMILY, name),
      await nft.chains(FAMILY, name),
      await nft.rules(FAMILY, name),
    ];
    this.drops.see(rules);
    const lacks = expected.compare({ table, sets, chains, rules });
    if (lacks.length > 0) return lacks;
    if (!sameBindings(await listEndpoints(nft, name), bound)) lacks.push(`has other elements in ${ENDPOINTS}`);
    return lacks;
  }

  private async commit(change: RulesetChange): Promise<void> {
    this.settings.announce(() => change.describe());
    await this.send(change);
  }

  private async send(change: RulesetChange): Promise<void> {
    const sent = this.nft.commit(change.batch).catch((error: unknown) => {
      throw namingModules(error, change.batch);
    });
    await inPart('nftables', sent);
  }
}

/** Whether the endpoints let through are the one that should be, for about as long as it should be. */
export function sameBindings(listed: readonly BoundEndpoint[], wanted: BoundEndpoint | undefined): boolean {
  const remainingMs = wanted === undefined ? 0 : (wanted.remainingMs ?? Infinity);
  const others = listed.filter((one) => {
    const isWanted =
      wanted !== undefined && sameEndpoint(one.endpoint, wanted.endpoint) && one.internal === wanted.internal;
    const listedMs = one.remainingMs ?? Infinity;
    return !(isWanted && listedMs <= remainingMs + EXPIRY_TOLERANCE_MS) && listedMs > EXPIRY_TOLERANCE_MS;
  });
  if (others.length > 0) return false;
  if (wanted === undefined || remainingMs <= EXPIRY_TOLERANCE_MS) return true;
  return listed.some(({ endpoint, remainingMs: listedMs = Infinity }) => {
    return sameEndpoint(endpoint, wanted.endpoint) && listedMs >= remainingMs - EXPIRY_TOLERANCE_MS;
  });
}

async function findLeft(
  nft: NftablesClient,
  { table: name, mark: ours }: NftFilterSettings,
): Promise<LeftTable | undefined> {
  const tables = await nft.tables(FAMILY);
  const isOurs = ({ comment }: { comment: string | undefined }): boolean => parseMark(comment)?.number === ours.number;
  if (tables.some((table) => table.name === name && !isOurs(table))) {
    throw new PlaneError(
      'nftables',
      `the nftables table ip ${name} is there already and not ours: remove it (nft delete table ip ${name}), or choose another name with --nft-table`,
    );
  }
  const left = tables.filter(isOurs);
  const newest = left.find((table) => table.name === name) ?? left[0];
  const mark = parseMark(newest?.comment);
  if (newest === undefined || mark === undefined) return undefined;
  const obsolete = left.map((table) => table.name).filter((other) => other !== name);
  return { mark, endpoints: await listEndpoints(nft, newest.name), obsolete };
}
