/** Which addresses of the pools are the server's own, and when that changes. */
import { addressOf, type IpAddress } from '../egress/address.js';
import { addressesBeside, distinctAddresses, formatAddresses } from '../egress/address-list.js';
import type { Policy } from '../egress/policy.js';
import { formatPool, poolHas, poolSize, type Pool } from '../egress/pool.js';
import { usablePool } from '../egress/usable.js';
import type { Logger } from '../log/index.js';
import { OwnAddresses } from '../netlink/route/own-addresses.js';
import { messageOf } from './errors.js';

/** A change comes as a handful of events. */
const SETTLE_MS = 50;

export class OwnInPools {
  private readonly policies: readonly Policy[];
  private readonly log: Logger;
  private readonly addresses: OwnAddresses;
  private readonly onChange: (own: readonly IpAddress[]) => void;
  /** Undefined until they are asked for. */
  private known: readonly IpAddress[] | undefined;
  private timer: NodeJS.Timeout | undefined;
  private closed = false;

  constructor(policies: readonly Policy[], log: Logger, onChange: (own: readonly IpAddress[]) => void) {
    this.policies = policies;
    this.log = log;
    this.onChange = onChange;
    this.addresses = OwnAddresses.open({
      onChange: () => {
        this.lookSoon();
      },
      onError: (error) => {
        log.warn(messageOf(error));
      },
    });
  }

  /** Those that are left out of draws. Changes are told from the first call on. */
  async list(): Promise<readonly IpAddress[]> {
    const own = await this.look();
    this.known = own;
    return own;
  }

  close(): void {
    this.closed = true;
    clearTimeout(this.timer);
    this.addresses.close();
  }

  private async look(): Promise<readonly IpAddress[]> {
    const pools = this.policies.flatMap(({ action }): Pool[] => {
      const drawsOwn = action.mode === 'rotate' && action.per !== 'packet' && action.drawsOwn;
      return action.mode === 'rotate' && !drawsOwn ? [action.pool] : [];
    });
    const own = (await this.addresses.list()).flatMap((bytes) => addressOf(bytes) ?? []);
    return distinctAddresses(own.filter((address) => pools.some((pool) => poolHas(pool, address))));
  }

  private lookSoon(): void {
    if (this.closed || this.timer !== undefined) return;
    this.timer = setTimeout(() => {
      this.timer = undefined;
      this.follow().catch((error: unknown) => {
        this.log.limited('own addresses', 'WARN', () => `egress: ${messageOf(error)}`);
      });
    }, SETTLE_MS);
  }

  private async follow(): Promise<void> {
    const { log, known: before } = this;
    if (before === undefined) return;
    const now = await this.look();
    const [gone, come] = [addressesBeside(before, now), addressesBeside(now, before)];
    if (this.closed || gone.length + come.length === 0) return;
    this.known = now;
    if (come.length > 0) log.info(`egress: drawn no more, being this server's own now: ${formatAddresses(come)}`);
    if (gone.length > 0) log.info(`egress: drawn again, being this server's own no more: ${formatAddresses(gone)}`);
    for (const words of withoutAddress(this.policies, now))
      log.warn(`egress: ${words}: what it is about does not leave`);
    this.onChange(now);
  }
}

/** The policies that have nothing to draw because of the server's own addresses, in words. */
export const withoutAddress = (policies: readonly Policy[], own: readonly IpAddress[]): readonly string[] =>
  policies.flatMap(({ action }, index) => {
    if (action.mode !== 'rotate' || poolSize(usablePool(action, { banned: [], own })) > 0n) return [];
    return [`policy ${index + 1} has no address: its pool is all this server's own (${formatPool(action.pool)})`];
  });
