/**
 * What leaves the tunnel, looked after while the daemon runs: the table is made before the tunnel is, addresses are drawn
 * anew when it is time, and what others do to the table is repaired. The decisions are those of `egress/rotation.ts`.
 */
import { randomBytes } from 'node:crypto';
import type { ServerConfig } from '../config/index.js';
import { formatAddress, parseAddress, type IpAddress } from '../egress/address.js';
import { formatAddresses } from '../egress/address-list.js';
import { parsePrefix } from '../egress/address-range.js';
import { FAMILY } from '../egress/nftables/names.js';
import type { HeldAddress } from '../egress/nftables/ruleset.js';
import type { Shut } from '../egress/guard/guard.js';
import { EgressTable } from '../egress/nftables/table.js';
import type { TunnelEgress } from '../egress/nftables/tunnel-egress.js';
import { formatPolicy, type Policy } from '../egress/policy.js';
import { reportEgress, type EgressReport } from '../egress/report.js';
import {
  formatHeld,
  nextDueMs,
  startRotation,
  stepRotation,
  unusableOf,
  type Rotation,
  type RotationEvent,
  type SlotSeed,
} from '../egress/rotation.js';
import type { Unusable } from '../egress/usable.js';
import { sayChanges, type Logger } from '../log/index.js';
import { NftablesMonitor } from '../netlink/nftables/events.js';
import { RuleAndFilterMonitor } from '../netlink/route/rule-and-filter-events.js';
import { Announcer, NoLinkError } from './announcer.js';
import { DaemonError, messageOf } from './errors.js';
import { allowForwarding } from './forwarding.js';
import { OwnInPools, withoutAddress } from './own-in-pools.js';
import { TableUpkeep } from './table-upkeep.js';
import { reportWaysBack } from './way-back.js';

const OVERRUN_CHECK_MS = 60_000;
const GUARD_LOOK_MS = 60_000;

/** In the log. */
const GUARD = 'what shuts the tunnel without its egress';

const monotonicMs = (): number => performance.now();

/** A policy could never give anything an address. */
class NothingLeftError extends Error {}

/** What a change is to do besides. */
export interface ChangeWish {
  /** End the connections from the addresses that are held no more, whatever the policy says. */
  readonly dropEstablished?: boolean;
  /** With that, also those from these addresses. */
  readonly alsoFrom?: readonly IpAddress[];
}

export class Egress {
  private readonly tunnel: TunnelEgress;
  private readonly table: EgressTable;
  private readonly tableName: string;
  private readonly log: Logger;
  private readonly monitor: NftablesMonitor;
  private readonly guardMonitor: RuleAndFilterMonitor;
  private rotation: Rotation = { slots: [], bans: [], own: [] };
  private readonly own: OwnInPools;
  private readonly announcer: Announcer | undefined;
  private timer: NodeJS.Timeout | undefined;
  private readonly upkeep: TableUpkeep;
  /** At a pace of its own: whoever flushes the rules again and again is not to hold it up. */
  private readonly guardUpkeep: TableUpkeep;
  private readonly guardLook: NodeJS.Timeout;
  private readonly ending = new AbortController();
  /** The look whether the pools come back. */
  private looking: Promise<void> = Promise.resolve();
  private closed = false;
  /** It is by routing rules that the tunnel is shut. */
  private isByRule = false;
  /** There is no room for the guard ahead of others' rules. */
  private isBehind = false;

  private constructor(config: ServerConfig, log: Logger) {
    const ip = parseAddress(config.tunlPeerIp);
    const ip6 = config.inner6 && parseAddress(config.inner6.peerAddress);
    const policies = config.egress?.policies ?? [];
    const networks = config.routes.flatMap(({ address, prefixLength }) => {
      const network = parsePrefix(`${address}/${prefixLength}`);
      return network.ok ? [network.value] : [];
    });
    this.tunnel = { device: config.tunlDev, policies, inner: { ...(ip && { ip }), ...(ip6 && { ip6 }) }, networks };
    this.log = log;
    const { egress: own, announced } = tablesOf(config);
    this.tableName = own.name;
    this.table = EgressTable.open(own, sayChanges(log));
    const onMendError = (error: unknown): void => {
      log.limited('egress repair', 'ERROR', () => `egress could not be repaired: ${messageOf(error)}`);
    };
    this.upkeep = new TableUpkeep({ mend: () => this.mend(), onError: onMendError });
    this.guardUpkeep = new TableUpkeep({ mend: () => this.mendGuard(), onError: onMendError });
    // A sysctl that the filters don't get on with (dropsBroadcast in guard/filters.ts) changes without an event.
    this.guardLook = setInterval(() => {
      this.guardUpkeep.lookSoon();
    }, GUARD_LOOK_MS).unref();
    const onError = (error: Error): void => {
      log.warn(messageOf(error));
    };
    this.monitor = NftablesMonitor.open({
      onEvent: (event) => {
        const isOurs =
          event.kind === 'overrun' ||
          (event.processId !== process.pid &&
            event.tables.some(({ family, name }) => family === FAMILY && name === this.tableName));
        if (isOurs) this.upkeep.lookSoon();
      },
      onError,
      overrunCheckMs: OVERRUN_CHECK_MS,
    });
    const lookSoon = (): void => {
      this.guardUpkeep.lookSoon();
    };
    this.guardMonitor = RuleAndFilterMonitor.open({
      onRule: lookSoon,
      onFilter: (index) => {
        if (this.table.hasFilter(index)) lookSoon();
      },
      onOverrun: lookSoon,
      onError,
      overrunCheckMs: OVERRUN_CHECK_MS,
    });
    const { announce } = config.egress ?? {};
    this.announcer = announce === undefined ? undefined : Announcer.open(announce, policies, announced, log);
    this.own = new OwnInPools(policies, log, (addresses) => {
      this.apply({ kind: 'own', addresses });
      this.announcer?.setOwn(addresses);
    });
  }

  /**
   * undefined where nothing is asked for; what an earlier run left goes then. Begun while no packet comes out of the
   * tunnel yet, or with the table of that run in place. Rejects with DaemonError. `lookAtWays` goes on beside it.
   */
  static async start(config: ServerConfig, log: Logger, lookAtWays = reportWaysBack): Promise<Egress | undefined> {
    const egress = config.egress && new Egress(config, log);
    try {
      await dropLeftEgress(config, log);
      if (config.egress === undefined || egress === undefined) return undefined;
      // First, since a start that fails by it leaves nothing behind.
      await egress.announcer?.start(await egress.own.list());
      await egress.bringUp();
      await allowForwarding(config.inner6 === undefined ? ['ip'] : ['ip', 'ip6'], config.egress.forward, log);
    } catch (error) {
      await egress?.announcer?.stop().catch(() => undefined);
      egress?.close();
      const exit = error instanceof NothingLeftError || error instanceof NoLinkError ? 'address' : 'nftables';
      throw new DaemonError(exit, `egress: ${messageOf(error)}`, { cause: error });
    }
    for (const policy of config.egress.policies) log.info(`egress: ${formatPolicy(policy)}`);
    const { own } = egress.rotation;
    egress.looking = lookAtWays(
      {
        policies: config.egress.policies,
        own,
        announce: config.egress.announce,
        table: `${config.nftTable}-way-back`,
      },
      log,
      egress.ending.signal,
    );
    if (own.length > 0) log.warn(`egress: not drawn, being this server's own: ${formatAddresses(own)}`);
    return egress;
  }

  get state(): Rotation {
    return this.rotation;
  }

  get device(): string {
    return this.tunnel.device;
  }

  get policies(): readonly Policy[] {
    return this.tunnel.policies;
  }

  report(): EgressReport {
    return reportEgress(this.device, this.policies, this.rotation, monotonicMs());
  }

  /** Decides, and has it made so in the kernel, which nobody waits for. */
  apply(event: RotationEvent): void {
    this.change(event).catch(() => undefined);
  }

  /** Resolves when it is so in the kernel. Where that fails, it rejects, and the table is repaired. */
  async change(event: RotationEvent, wish: ChangeWish = {}): Promise<void> {
    const before = this.rotation;
    this.rotation = stepRotation(before, event, monotonicMs(), randomBytes);
    this.armTimer();
    if (this.rotation === before) return;
    const after = this.rotation;
    try {
      await this.upkeep.inTurn(() => this.carryOut(before, after, wish));
    } catch (error) {
      this.log.limited('egress failed', 'WARN', () => `egress: ${messageOf(error)}`);
      this.upkeep.lookSoon(0);
      throw error;
    }
  }

  /** To be waited for before the tunnel's device comes up. */
  async shut(): Promise<void> {
    await this.table.shut([this.tunnel.device]);
  }

  /** Only once no packet comes out of the tunnel any more. */
  async stop(): Promise<void> {
    this.silence();
    await this.upkeep.settled();
    await this.guardUpkeep.settled();
    await this.looking;
    await this.announcer?.stop();
    try {
      await this.table.remove([this.tunnel.device]);
    } finally {
      this.table.close();
    }
  }

  private async bringUp(): Promise<void> {
    const left = await this.table.left();
    const seeds = this.tunnel.policies.flatMap(({ action }, index): SlotSeed[] => {
      if (action.mode !== 'rotate' || action.per !== 'tunnel') return [];
      const held = left.filter((one) => one.device === this.tunnel.device && one.index === index);
      return [
        {
          device: this.tunnel.device,
          index,
          action,
          held: Object.fromEntries(held.map(({ address }) => [address.family, address])),
        },
      ];
    });
    const own = await this.own.list();
    this.rotation = startRotation(seeds, monotonicMs(), randomBytes, own);
    const [exhausted] = withoutAddress(this.policies, own);
    if (exhausted !== undefined)
      throw new NothingLeftError(`${exhausted}; masquerade leaves from the server's own, and own=yes draws them too`);
    this.sayShut(await this.table.install(this.wanted()));
    this.armTimer();
  }

  private async install(): Promise<void> {
    await this.table.install(this.wanted());
  }

  private wanted(): Parameters<EgressTable['install']>[0] {
    return { tunnels: [this.tunnel], held: heldBy(this.rotation), unusable: unusableOf(this.rotation) };
  }

  private async carryOut(before: Rotation, after: Rotation, wish: ChangeWish): Promise<void> {
    if (sameAddresses(unusableOf(before), unusableOf(after))) {
      await this.table.move(missingIn(heldBy(before), heldBy(after)), missingIn(heldBy(after), heldBy(before)));
    } else {
      // What connections and packets are drawn from is in the rules.
      await this.install();
    }
    for (const [index, slot] of after.slots.entries()) {
      if (slot.held === before.slots[index]?.held) continue;
      this.log.limited('egress', 'INFO', () => `${slot.device}: leaves from ${formatHeld(slot)} now`);
    }
    const dropped = await this.table.dropEstablished(addressesToDrop(before, after, wish));
    if (dropped > 0) {
      this.log.limited('egress dropped', 'INFO', () => `egress: connections from the old address dropped: ${dropped}`);
    }
  }

  private armTimer(): void {
    clearTimeout(this.timer);
    const due = nextDueMs(this.rotation);
    if (due === undefined || this.closed) return;
    this.timer = setTimeout(
      () => {
        this.apply({ kind: 'clock' });
      },
      Math.max(0, Math.min(due - monotonicMs(), 2 ** 31 - 1)),
    );
  }

  private async mend(): Promise<boolean> {
    const lacks = [...(await this.table.compare(this.wanted()))];
    if (lacks.length === 0 && !sameHeld(await this.table.left(), heldBy(this.rotation)))
      lacks.push('holds other addresses');
    if (lacks.length === 0) return false;
    await this.install();
    this.log.warn(`the nftables table ${FAMILY} ${this.tableName} ${lacks.join(', ')}: repaired`);
    return true;
  }

  private async mendGuard(): Promise<boolean> {
    return this.sayShut(await this.table.shut([this.tunnel.device]));
  }

  /** Whether anything had to be repaired. */
  private sayShut({ gone, moved, ahead, noFilter }: Shut): boolean {
    if (gone > 0) this.log.warn(`${GUARD} was gone: repaired`);
    if (moved > 0) this.log.info(`${GUARD} goes before the routing rules of others again`);
    if (noFilter !== undefined && !this.isByRule) {
      const price =
        'which costs every packet of this host more than a filter of its device (sch_ingress, cls_matchall, act_skbedit)';
      this.log.info(`${GUARD} is a routing rule, ${price}: ${noFilter}`);
    }
    this.isByRule = noFilter !== undefined;
    this.sayIfBehind(ahead);
    return gone + moved > 0;
  }

  /** Once, until there is room. */
  private sayIfBehind(ahead: Shut['ahead']): void {
    if (ahead !== undefined && !this.isBehind) {
      const means = 'packets that it leads on may leave as they are while somebody flushes nftables';
      this.log.warn(`${GUARD} stands behind one of priority 0 (ip rule): give that one a higher number, or ${means}`);
    }
    this.isBehind = ahead !== undefined;
  }

  private close(): void {
    this.silence();
    this.table.close();
  }

  private silence(): void {
    this.closed = true;
    this.ending.abort();
    clearTimeout(this.timer);
    this.upkeep.end();
    this.guardUpkeep.end();
    clearInterval(this.guardLook);
    this.monitor.close();
    this.guardMonitor.close();
    this.own.close();
  }
}

/** What is read of a configuration here. */
type EgressConfig = Pick<ServerConfig, 'egress' | 'tunlDev' | 'number' | 'nftTable'>;

/** What an earlier run of this tunnel looked after, and this one is not to. All sockets are opened before anything is awaited. */
export async function dropLeftEgress({ egress, tunlDev, ...config }: EgressConfig, log: Logger): Promise<void> {
  const tables = tablesOf(config);
  const [announced, own] = await Promise.all([
    egress?.announce === undefined && Announcer.dropLeft(tables.announced),
    egress === undefined && EgressTable.dropLeft(tables.egress, [tunlDev], sayChanges(log)),
  ]);
  if (announced) log.info('egress: nothing is announced any more');
  if (own) log.info(`egress: none any more, the nftables table ${FAMILY} ${tables.egress.name} is removed`);
}

/** The tables of a tunnel, with the comments by which a later start knows them for ours. */
const tablesOf = ({ number, nftTable }: Pick<ServerConfig, 'number' | 'nftTable'>) => ({
  egress: { name: `${nftTable}-egress`, comment: `ipipou-ts egress of tunnel ${number}` },
  announced: { name: `${nftTable}-announce`, comment: `ipipou-ts announcements of tunnel ${number}` },
});

const heldBy = ({ slots }: Rotation): HeldAddress[] =>
  slots.flatMap(({ device, index, held }) => Object.values(held).map((address) => ({ device, index, address })));

function addressesToDrop(before: Rotation, after: Rotation, wish: ChangeWish): readonly IpAddress[] {
  const { dropEstablished: dropAll = false, alsoFrom = [] } = wish;
  const left = before.slots.filter(({ action }) => dropAll || action.dropEstablished);
  const freed = missingIn(heldBy({ ...before, slots: left }), heldBy(after)).map(({ address }) => address);
  return dropAll ? [...freed, ...alsoFrom] : freed;
}

const sameAddresses = (a: Unusable, b: Unusable): boolean =>
  formatAddresses(a.banned) === formatAddresses(b.banned) && formatAddresses(a.own) === formatAddresses(b.own);

const sameOne = (a: HeldAddress, b: HeldAddress): boolean =>
  a.device === b.device && a.index === b.index && formatAddress(a.address) === formatAddress(b.address);

const missingIn = (list: readonly HeldAddress[], other: readonly HeldAddress[]): HeldAddress[] =>
  list.filter((one) => !other.some((two) => sameOne(one, two)));

const sameHeld = (a: readonly HeldAddress[], b: readonly HeldAddress[]): boolean =>
  a.length === b.length && missingIn(a, b).length === 0;
