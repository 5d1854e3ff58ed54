/**
 * Pools that are not routed to the server, announced on the link they are on: the kernel answers for them
 * (`egress/announce/ruleset.ts`), and this sees to it that it goes on doing so when others change the rules or the device.
 */
import { parseAddress, type IpAddress } from '../egress/address.js';
import { FAMILY, type AnnounceSettings } from '../egress/announce/ruleset.js';
import { AnnounceTable } from '../egress/announce/table.js';
import { formatAddresses } from '../egress/address-list.js';
import type { Policy } from '../egress/policy.js';
import { formatPool, poolHas, poolOf, poolWithout, type Pool } from '../egress/pool.js';
import { sayChanges, type Logger } from '../log/index.js';
import { NftablesMonitor } from '../netlink/nftables/events.js';
import { RouteClient } from '../netlink/route/client.js';
import { RouteMonitor } from '../netlink/route/events.js';
import { MulticastReception } from '../sys/multicast-reception.js';
import { messageOf } from './errors.js';
import { TableUpkeep } from './table-upkeep.js';

const OVERRUN_CHECK_MS = 60_000;
const MAC_BYTES = 6;

type Device = AnnounceSettings['device'];

/** There is no such device, or none that a link-layer address belongs to. */
export class NoLinkError extends Error {
  override readonly name = 'NoLinkError';
}

export class Announcer {
  private readonly device: string;
  private readonly pool: Pool;
  private readonly log: Logger;
  private readonly tableName: string;
  private readonly table: AnnounceTable;
  private readonly routes: RouteClient;
  private readonly nftMonitor: NftablesMonitor;
  private readonly routeMonitor: RouteMonitor;
  private own: readonly IpAddress[] = [];
  private readonly reception: MulticastReception;
  private current: Device | undefined;
  private readonly upkeep: TableUpkeep;
  private started = false;
  private closed = false;

  private constructor(device: string, policies: readonly Policy[], tableName: string, comment: string, log: Logger) {
    this.device = device;
    this.pool = poolOf(policies.flatMap(({ action }) => (action.mode === 'rotate' ? [action.pool] : [])));
    this.log = log;
    this.tableName = tableName;
    this.table = AnnounceTable.open(tableName, comment, sayChanges(log));
    this.routes = RouteClient.open();
    this.reception = MulticastReception.open();
    this.upkeep = new TableUpkeep({
      mend: () => this.mend(),
      onError: (error) => {
        log.limited('announce', 'ERROR', () => `egress: the pools are not announced: ${messageOf(error)}`);
      },
    });
    const onError = (error: Error): void => {
      log.warn(messageOf(error));
    };
    this.nftMonitor = NftablesMonitor.open({
      onEvent: (event) => {
        const isOurs =
          event.kind === 'overrun' ||
          (event.processId !== process.pid &&
            event.tables.some(({ family, name }) => family === FAMILY && name === tableName));
        if (isOurs && this.started) this.upkeep.lookSoon();
      },
      onError,
      overrunCheckMs: OVERRUN_CHECK_MS,
    });
    this.routeMonitor = RouteMonitor.open({
      onEvent: (event) => {
        const isOurs =
          event.kind === 'overrun' ||
          ((event.kind === 'link-changed' || event.kind === 'link-removed') && event.link.name === device);
        if (isOurs && this.started) this.upkeep.lookSoon();
      },
      onError,
      overrunCheckMs: OVERRUN_CHECK_MS,
    });
  }

  /** Announces nothing yet. Throws SystemError or NetlinkError. */
  static open(
    device: string,
    policies: readonly Policy[],
    table: { readonly name: string; readonly comment: string },
    log: Logger,
  ): Announcer {
    return new Announcer(device, policies, table.name, table.comment, log);
  }

  /** `own` are addresses that the host answers for itself. Rejects with NoLinkError, or with what the kernel says. */
  async start(own: readonly IpAddress[]): Promise<void> {
    this.own = own;
    const found = await this.find();
    if (found === undefined) {
      throw new NoLinkError(`there is no Ethernet device ${this.device} to announce the pools on (--egress-announce)`);
    }
    await this.upkeep.inTurn(() => this.install(found));
    this.started = true;
  }

  /** What an earlier run announced is announced no more. */
  static async dropLeft(table: { readonly name: string; readonly comment: string }): Promise<boolean> {
    const left = AnnounceTable.open(table.name, table.comment);
    try {
      if (!(await left.isLeft())) return false;
      await left.remove();
      return true;
    } finally {
      left.close();
    }
  }

  /** The host answers for these itself from now on. */
  setOwn(own: readonly IpAddress[]): void {
    this.own = own;
    this.upkeep.start(async () => {
      if (!this.closed && this.current !== undefined) await this.install(this.current);
    });
  }

  /** What was announced is announced no more. */
  async stop(): Promise<void> {
    this.silence();
    await this.upkeep.settled();
    try {
      if (this.current !== undefined) await this.table.remove();
    } finally {
      this.close();
    }
  }

  private async find(): Promise<Device | undefined> {
    const link = await this.routes.linkByName(this.device);
    const mac = link?.hardwareAddress;
    return link === undefined || mac?.length !== MAC_BYTES ? undefined : { name: link.name, index: link.index, mac };
  }

  private async install(device: Device): Promise<void> {
    const gateways = await this.gateways(device.index);
    const addresses = poolWithout(this.pool, [...this.own, ...gateways]);
    await this.table.install({ device, addresses });
    // Who asks for an IPv6 address asks a group that only its owner would join.
    if (this.current?.index !== device.index && addresses.ip6.length > 0) this.reception.add(device.index);
    this.current = device;
    this.log.limited('announced', 'INFO', () => {
      const but = gateways.length === 0 ? '' : `, without the gateway ${formatAddresses(gateways)}`;
      return `egress: announced on ${device.name}: ${formatPool(addresses)}${but}`;
    });
  }

  /** Next hops on that link: answering for them would cut the server off. */
  private async gateways(index: number): Promise<readonly IpAddress[]> {
    const routes = await this.routes.routes();
    const found = routes.flatMap(({ gateway, outInterface }) =>
      gateway === undefined || outInterface !== index ? [] : (parseAddress(gateway) ?? []),
    );
    return found.filter((address) => poolHas(this.pool, address));
  }

  private async mend(): Promise<boolean> {
    const device = await this.find();
    const { log } = this;
    if (device === undefined) {
      if (this.current === undefined) return false;
      this.current = undefined;
      log.warn(`egress: ${this.device} is gone: nothing is announced until it is back`);
      return false;
    }
    const gateways = await this.gateways(device.index);
    const addresses = poolWithout(this.pool, [...this.own, ...gateways]);
    const lacks = await this.table.compare({ device, addresses });
    if (lacks.length === 0 && this.current !== undefined) return false;
    await this.install(device);
    log.warn(`the nftables table ${FAMILY} ${this.tableName} ${lacks.join(', ')}: repaired`);
    return true;
  }

  private close(): void {
    this.silence();
    this.reception.close();
    this.table.close();
    this.routes.close();
  }

  private silence(): void {
    this.closed = true;
    this.upkeep.end();
    this.nftMonitor.close();
    this.routeMonitor.close();
  }
}
