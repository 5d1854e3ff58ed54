/**
 * One peer's tunnel: its link and what the ruleset knows of it.
 *
 *     absent ──point──▶ made and bound ──point──▶ bound elsewhere ──▶ …
 *        ▲                    │
 *        └────── remove ──────┘              adopt: bound, as an earlier run left it
 *
 * A change that fails leaves the tunnel as it was before. What others change meanwhile, `plan` finds and mends.
 */
import { sameEndpoint, formatEndpoint, type Endpoint } from '../../core/endpoint.js';
import type { Link } from '../../netlink/route/link.js';
import type { TunnelSettings } from '../index.js';
import type { BoundEndpoint } from './endpoints.js';
import { messageOf } from '../common/errors.js';
import type { IngressFilter } from './filter.js';
import type { Mark } from '../common/mark.js';
import type { Step } from '../common/step.js';
import { TunnelLink, type LinkContext } from './tunnel-link.js';

/** What a tunnel shares with the rest of the plane. */
export interface TunnelContext extends LinkContext {
  readonly filter: IngressFilter;
  readonly monotonicMs: () => number;
}

export class Tunnel {
  readonly settings: TunnelSettings;
  private readonly context: TunnelContext;
  private readonly link: TunnelLink;
  private current: Endpoint | undefined;
  /** By the monotonic clock; the past for an endpoint that is not let through. */
  private letInUntilMs = -Infinity;
  private wanted: Endpoint | undefined;
  private running: Promise<void> | undefined;
  /** The MTU's following of a change that is done; it never rejects. */
  private fitting: Promise<void> | undefined;

  constructor(settings: TunnelSettings, context: TunnelContext) {
    this.settings = settings;
    this.context = context;
    this.link = new TunnelLink(settings, context);
  }

  /** Where the peer is bound. */
  get endpoint(): Endpoint | undefined {
    return this.current;
  }

  /** Whom the filter must let through now. */
  get bound(): BoundEndpoint | undefined {
    const { current, letInUntilMs, context } = this;
    const remainingMs = letInUntilMs - context.monotonicMs();
    if (current === undefined || remainingMs <= 0) return undefined;
    return {
      endpoint: current,
      internal: context.local(),
      ...(remainingMs !== Infinity && { remainingMs: Math.ceil(remainingMs) }),
    };
  }

  /**
   * Takes over the link that an earlier run left, brought up to date with the settings. Returns its
   * endpoint; undefined where there is no link. Rejects where a link of that name is not ours.
   */
  async adopt(): Promise<Endpoint | undefined> {
    this.current = await this.link.adopt();
    return this.current;
  }

  /** The mark of the link that an earlier run left. */
  async leftMark(): Promise<Mark | undefined> {
    return await this.link.leftMark();
  }

  /** The peer that was adopted is let through for so long, or, where it is undefined, not at all. */
  setAdopted(bound: BoundEndpoint | undefined): void {
    this.letInUntilMs = bound === undefined ? -Infinity : this.context.monotonicMs() + (bound.remainingMs ?? Infinity);
  }

  /** See DataPlane. Whatever is sent to the kernel first is sent before this returns. */
  async point(endpoint: Endpoint): Promise<void> {
    this.wanted = endpoint;
    do {
      this.running ??= this.run().finally(() => {
        this.running = undefined;
      });
      await this.running;
      // What was running may have been past the point where it looks for more to do.
    } while (this.wanted === endpoint);
  }

  /** Does something that must not meet a change of the endpoint: one that is asked for meanwhile waits. */
  async exclusively<T>(job: () => Promise<T>): Promise<T> {
    while (this.busy !== undefined) await this.busy.catch(() => undefined);
    const done = job();
    this.running = done
      .then(
        () => undefined,
        () => undefined,
      )
      .then(() => (this.wanted === undefined ? undefined : this.run()))
      .finally(() => {
        this.running = undefined;
      });
    this.running.catch(() => undefined);
    return await done;
  }

  /** The lifetime begins anew, if the peer is still there. */
  async refresh(endpoint: Endpoint): Promise<void> {
    // Also where nothing has to be renewed: the peer is answered behind this, and is not to be before it is pointed to.
    while (this.running !== undefined) await this.running.catch(() => undefined);
    if (this.settings.lifetimeSeconds === 0) return;
    if (this.current === undefined || !sameEndpoint(this.current, endpoint)) return;
    await this.context.filter.admit(this.renewed(endpoint), undefined);
    this.letIn();
  }

  /** What the link lacks. Rejects with PlaneError where a link of that name is not ours. */
  async plan(): Promise<Step[]> {
    return this.current === undefined ? [] : await this.link.plan(this.current);
  }

  /** Whether an event about the link shows it as it should be: most tell of our own changes. */
  isAsWanted(link: Link): boolean {
    const target = this.wanted ?? this.current;
    return target !== undefined && this.link.isAsWanted(link, target);
  }

  /** Whether the link is this one, or has its name. */
  concerns(link: Pick<Link, 'index'> & { readonly name?: string }): boolean {
    return this.link.concerns(link);
  }

  /** The link's MTU follows that of the device towards the peer. */
  async followMtu(): Promise<void> {
    if (this.current !== undefined) await this.link.followMtu(this.current);
  }

  async remove(): Promise<void> {
    while (this.busy !== undefined) await this.busy.catch(() => undefined);
    if (this.current !== undefined) await this.link.remove();
    this.current = undefined;
  }

  private async run(): Promise<void> {
    try {
      for (let target = this.wanted; target !== undefined; target = this.wanted === target ? undefined : this.wanted) {
        try {
          await (this.link.isThere ? this.repoint(target) : this.create(target));
          this.current = target;
          this.letIn();
        } catch (error) {
          // Where the peer has moved on meanwhile, its new place is what counts.
          if (this.wanted === target) throw error;
        }
      }
    } finally {
      this.wanted = undefined;
    }
    // Not waited for: packets pass already, and neither the answer to the peer nor its next move is to wait for this.
    const fitting = (this.fitting ?? Promise.resolve())
      .then(() => this.followMtu())
      .catch((error: unknown) => {
        this.context.log.warn(`the MTU of ${this.settings.device} could not follow: ${messageOf(error)}`);
      })
      .then(() => {
        if (this.fitting === fitting) this.fitting = undefined;
      });
    this.fitting = fitting;
  }

  /** What a change by somebody else has to wait for. */
  private get busy(): Promise<void> | undefined {
    return this.running ?? this.fitting;
  }

  private async create(endpoint: Endpoint): Promise<void> {
    const { filter } = this.context;
    await this.link.make(endpoint);
    try {
      await filter.admit(this.renewed(endpoint), undefined);
    } catch (error) {
      await filter.shutOut(this.renewed(endpoint)).catch(() => undefined);
      await this.link.unmake();
      throw error;
    }
  }

  private async repoint(target: Endpoint): Promise<void> {
    const { filter } = this.context;
    const { current, bound } = this;
    const left = current === undefined || sameEndpoint(current, target) ? undefined : this.renewed(current);
    // The filter in one transaction, so that the old endpoint is out as soon as the new one is in, then the link. Each
    // request is on a socket of its own, so both are with the kernel before the first answer is read.
    const filterChanged = filter.admit(this.renewed(target), left);
    const linkChanged = this.link.lead(target);
    const outcomes = await Promise.allSettled([linkChanged, filterChanged]);
    const failed = outcomes.find(({ status }) => status === 'rejected');
    if (failed?.status !== 'rejected') return;
    await this.fallBack(current, bound, target);
    throw failed.reason;
  }

  /** Both as they were. Who was not let through any more is not now, and who was, for no longer than before. */
  private async fallBack(
    current: Endpoint | undefined,
    bound: BoundEndpoint | undefined,
    target: Endpoint,
  ): Promise<void> {
    const { filter, log } = this.context;
    const outcomes = await Promise.allSettled([
      bound === undefined
        ? filter.shutOut(this.renewed(target))
        : filter.admit(bound, sameEndpoint(bound.endpoint, target) ? undefined : this.renewed(target)),
      ...(current === undefined ? [] : [this.link.lead(current)]),
    ]);
    for (const outcome of outcomes) {
      if (outcome.status === 'rejected') {
        const where = current === undefined ? '' : ` back to ${formatEndpoint(current)}`;
        log.error(`tunnel ${this.settings.device} could not be set${where}: ${messageOf(outcome.reason)}`);
      }
    }
  }

  /** As bound from now on. */
  private renewed(endpoint: Endpoint): BoundEndpoint {
    const { lifetimeSeconds } = this.settings;
    return {
      endpoint,
      internal: this.context.local(),
      ...(lifetimeSeconds > 0 && { remainingMs: lifetimeSeconds * 1000 }),
    };
  }

  private letIn(): void {
    const { lifetimeSeconds } = this.settings;
    this.letInUntilMs = lifetimeSeconds > 0 ? this.context.monotonicMs() + lifetimeSeconds * 1000 : Infinity;
  }
}
