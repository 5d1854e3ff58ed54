/** The table of the map in the kernel: it is made with the first rule, goes with the last, and needs no process. */
import { Batch } from '../../netlink/nftables/batch.js';
import { NftablesClient } from '../../netlink/nftables/client.js';
import { decodeCounter, type Counts } from '../../netlink/nftables/expressions/index.js';
import type { Rule } from '../../netlink/nftables/rule.js';
import { isKernelError } from '../../netlink/errors.js';
import { RouteClient } from '../../netlink/route/client.js';
import { decodeOrders, encodeOrder, type ChangedLink, type Order } from './orders.js';
import {
  errorChain,
  errorComment,
  FAMILY,
  mappingChain,
  ORDERS,
  ruleComment,
  TABLE,
  TABLE_MARK,
  untrackComment,
} from './names.js';
import { addFrame, addSpec, type Reassembly } from './ruleset.js';
import { formatSpec, type RandmapSpec } from './spec.js';

/** Somebody else changed the ruleset at the same time; the next attempt sees what they made. */
const ATTEMPTS = 8;
const ONE_SEGMENT = 1;

/** A rule as `show` lists it. */
export interface ListedOrder extends Order {
  readonly counts: Counts;
}

/** What cannot be done, in words for the user. */
export class RandmapError extends Error {
  override readonly name = 'RandmapError';
}

/** All methods reject with RandmapError or with what the kernel says. */
export class RandmapTable {
  private readonly nft: NftablesClient;
  private readonly route: RouteClient;

  private constructor(nft: NftablesClient, route: RouteClient) {
    this.nft = nft;
    this.route = route;
  }

  static open(): RandmapTable {
    return new RandmapTable(NftablesClient.open(), RouteClient.open());
  }

  close(): void {
    this.nft.close();
    this.route.close();
  }

  async list(): Promise<readonly ListedOrder[]> {
    if (!(await this.isThere())) return [];
    const [orders, rules] = [decodeOrders(await this.nft.elements(ORDERS)), await this.nft.rules(FAMILY, TABLE)];
    return orders.map((order) => ({ ...order, counts: countsOf(order.id, rules) }));
  }

  /** Resolves with the number that the rule is deleted by. */
  async add(spec: RandmapSpec): Promise<number> {
    const link = spec.everyPacket ? await this.linkToSet(spec.outputDevice ?? '') : undefined;
    const id = await this.change(async (batch, isNew, reassembly) => {
      const orders = isNew ? [] : decodeOrders(await this.nft.elements(ORDERS));
      const next = orders.reduce((highest, order) => Math.max(highest, order.id), 0) + 1;
      // Who came first knows how the device was before all of us.
      const before = orders.find((order) => order.link !== undefined && order.link.device === link?.device)?.link;
      const kept = before ?? link;
      addFrame(batch, isNew, reassembly);
      addSpec(batch, next, spec);
      batch.addElements(ORDERS, encodeOrder({ id: next, words: formatSpec(spec), ...(kept && { link: kept }) }));
      return next;
    });
    if (link !== undefined) await this.setSegments(link.device, ONE_SEGMENT);
    return id;
  }

  async delete(id: number): Promise<void> {
    const orders = await this.list();
    const order = orders.find((one) => one.id === id);
    if (order === undefined) throw new RandmapError(`there is no rule ${id}`);
    const rest = orders.filter((one) => one !== order);
    if (rest.length === 0) {
      await this.flush();
      return;
    }
    const comments = [ruleComment(id), errorComment(id), untrackComment(id)];
    const rules = await this.nft.rules(FAMILY, TABLE);
    const chains = await this.nft.chains(FAMILY, TABLE);
    const batch = new Batch();
    for (const rule of rules) if (comments.includes(rule.comment ?? '')) batch.deleteRule(rule);
    for (const name of [mappingChain(id), errorChain(id)]) {
      if (!chains.some((chain) => chain.name === name)) continue;
      const chain = { family: FAMILY, table: TABLE, name } as const;
      batch.flushChain(chain).deleteChain(chain);
    }
    await this.nft.commit(batch.deleteElements(ORDERS, encodeOrder(order)));
    if (order.link !== undefined && !rest.some(({ link }) => link?.device === order.link?.device)) {
      await this.restore([order.link]);
    }
  }

  /** Removes all rules, and the table with them. Resolves with how many there were. */
  async flush(): Promise<number> {
    const orders = await this.list();
    if (await this.isThere()) await this.nft.commit(new Batch().deleteTable({ family: FAMILY, name: TABLE }));
    await this.restore(orders.flatMap(({ link }) => link ?? []));
    return orders.length;
  }

  private async change(
    fill: (batch: Batch, isNew: boolean, reassembly: Reassembly) => Promise<number>,
  ): Promise<number> {
    let reassembly: Reassembly = 'tproxy';
    for (let attempt = 1; ; attempt += 1) {
      const generation = await this.nft.generation();
      const isNew = !(await this.isThere());
      const batch = new Batch();
      const result = await fill(batch, isNew, reassembly);
      try {
        await this.nft.commit(batch, { generation });
        return result;
      } catch (error) {
        // A kernel without nft_tproxy; what else could be missing is so in both ways.
        if (isNew && reassembly === 'tproxy' && isKernelError(error, 'ENOENT', 'EOPNOTSUPP')) reassembly = 'tracking';
        else if (!isKernelError(error, 'ERESTART') || attempt >= ATTEMPTS) throw error;
      }
    }
  }

  private async isThere(): Promise<boolean> {
    const table = await this.nft.table({ family: FAMILY, name: TABLE });
    if (table === undefined) return false;
    if (table.comment === TABLE_MARK) return true;
    throw new RandmapError(
      `the nftables table ${FAMILY} ${TABLE} is not ours: remove it (nft delete table ${FAMILY} ${TABLE})`,
    );
  }

  private async linkToSet(device: string): Promise<ChangedLink> {
    const link = await this.route.linkByName(device);
    if (link === undefined) throw new RandmapError(`there is no device ${device}`);
    return { device, gsoMaxSegments: link.gsoMaxSegments };
  }

  /** Devices that are gone need nothing. */
  private async restore(links: readonly ChangedLink[]): Promise<void> {
    for (const { device, gsoMaxSegments } of links) await this.setSegments(device, gsoMaxSegments);
  }

  private async setSegments(device: string, gsoMaxSegments: number): Promise<void> {
    const link = await this.route.linkByName(device);
    if (link !== undefined) await this.route.setLink(link.index, { gsoMaxSegments });
  }
}

function countsOf(id: number, rules: readonly Rule[]): Counts {
  const rule = rules.find(({ comment }) => comment === ruleComment(id));
  const counted = rule?.expressions.find(({ name }) => name === 'counter');
  const counts = counted === undefined ? undefined : decodeCounter(counted);
  return counts?.ok === true ? counts.value : { packets: 0n, bytes: 0n };
}
