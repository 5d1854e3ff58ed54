/** Keeps a running plane as it must be: hears of changes, looks at what they concern, and has it repaired. */
import { isIPv6 } from 'node:net';
import type { Logger } from '../../log/index.js';
import type { RouteEvent } from '../../netlink/route/events.js';
import type { FouListeners } from '../common/announce.js';
import { ChangeWatch, type Part } from './change-watch.js';
import { messageOf } from '../common/errors.js';
import type { WantedFilter } from './filter.js';
import type { InternalDevice } from './internal-device.js';
import { planListener, type WantedListener } from './listener.js';
import type { OuterFollower } from '../common/outer-follower.js';
import { Repairer } from '../common/repairer.js';
import type { Step } from '../common/step.js';
import { followOuter, type OuterDependents } from './follow-outer.js';

/** After a change of the outer side that could not be followed. */
const FOLLOW_AGAIN_MS = 5000;

export interface UpkeepParts extends OuterDependents {
  readonly outer: OuterFollower;
  readonly internal: InternalDevice;
  readonly fou: FouListeners;
  readonly log: Logger;
  readonly monotonicMs: () => number;
  /** The nftables table to listen to; undefined for none. */
  readonly table: string | undefined;
  readonly wantedFilter: () => WantedFilter;
  readonly listener: () => WantedListener;
}

export class Upkeep {
  private readonly parts: UpkeepParts;
  private readonly repairer: Repairer<Part>;
  private readonly watch: ChangeWatch;

  /** Hears of changes from now on. */
  constructor(parts: UpkeepParts) {
    const { log, monotonicMs, table, listener } = parts;
    this.parts = parts;
    this.repairer = new Repairer<Part>({
      log,
      monotonicMs,
      lookAgain: (part, afterMs) => {
        this.watch.later(part, afterMs);
      },
    });
    this.watch = ChangeWatch.open({
      table,
      ipv6: listener().forIpv6 !== undefined,
      concerns: (event) => this.concernedParts(event),
      onLook: (due, by) => this.look(due, by),
      onError: (error) => {
        log.warn(messageOf(error));
      },
    });
  }

  /** Looks at these parts as soon as it is quiet. */
  soon(parts: readonly Part[]): void {
    this.watch.soon(parts);
  }

  /** Looks at everything and repairs it: whoever proved itself does not wait for a quarrel over the rules to end. */
  async now(): Promise<void> {
    this.repairer.forgive();
    await this.watch.now();
  }

  /** Resolves when no look is under way any more. */
  async close(): Promise<void> {
    await this.watch.close();
    const { repairs } = this.repairer;
    if (repairs.size === 0) return;
    const counts = [...repairs].map(([part, count]) => `${part} ${count}`).join(', ');
    this.parts.log.info(`repairs while running: ${counts}`);
  }

  /** Most events tell of our own changes, or of what is none of our business. */
  private concernedParts(event: RouteEvent): readonly Part[] {
    const { internal, tunnel } = this.parts;
    switch (event.kind) {
      case 'link-changed':
      case 'link-removed': {
        const { link } = event;
        if (tunnel.concerns(link)) {
          return event.kind === 'link-changed' && tunnel.isAsWanted(link) ? [] : ['link', 'listener'];
        }
        return internal.owns(link.index) || link.name === internal.name ? ['internal'] : ['path', 'listener'];
      }
      case 'address-added':
      case 'address-removed': {
        const { address } = event;
        if (tunnel.concerns(address)) return ['link'];
        // The way out is IPv4's affair.
        if (isIPv6(address.address)) return [];
        return internal.owns(address.index) ? ['internal'] : ['path', 'listener'];
      }
      case 'route-added':
        if (isIPv6(event.route.destination)) return [];
        return internal.isLedTo(event.route) ? ['internal'] : ['path'];
      case 'route-removed': {
        const { outInterface: index, destination } = event.route;
        if (index !== undefined && tunnel.concerns({ index })) return ['link'];
        return isIPv6(destination) ? [] : ['path'];
      }
      default:
        return ['path'];
    }
  }

  /**
   * In this order, so that nothing forged can enter meanwhile: what shuts the internal address first, then the filter,
   * then what brings packets to the link.
   */
  private async look(parts: ReadonlySet<Part>, by: string | undefined): Promise<void> {
    const { repairer } = this;
    const { tunnel, filter, fou, internal, outer, log, wantedFilter, listener } = this.parts;
    const due = new Set(parts);
    if (parts.has('path')) {
      try {
        await outer.look(followOuter(outer, this.parts));
      } catch (error) {
        log.debug(`${messageOf(error)}: looking at what is there`);
        this.watch.later('path', FOLLOW_AGAIN_MS);
        due.add('filter').add('link');
      }
      // One of them may be bound to the address that was.
      if (listener().forIpv6 !== undefined) due.add('listener');
    }
    await tunnel.exclusively(async () => {
      if (due.has('internal') && (await repairer.look('internal', () => internal.plan(), undefined))) {
        // It may have got another address.
        due.add('filter').add('link');
      }
      if (due.has('filter')) await repairer.look('filter', () => filter.plan(wantedFilter), by);
      if (due.has('listener')) {
        const plan = (): Promise<Step[]> => planListener(fou, listener(), (work) => internal.whileLocal(work));
        await repairer.look('listener', plan, undefined);
      }
      if (due.has('link')) await repairer.look('link', () => tunnel.plan(), undefined);
    });
  }
}
