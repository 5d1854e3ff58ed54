/** Keeps up with the host's own side of the tunnel: its outer address, device and gateway, which may change under it. */
import type { Logger } from '../../log/index.js';
import type { Routes } from '../common/announce.js';
import type { AuthPort } from './auth-port.js';
import { messageOf } from '../common/errors.js';
import type { IngressFilter } from './filter.js';
import { findOuterPath, type OuterPath, type OuterWish } from '../common/outer-path.js';
import type { OuterSide } from './ruleset/ruleset.js';
import { mendAll } from '../common/step.js';
import type { Tunnel } from './tunnel.js';

/** What has to move with the outer side. */
export interface OuterDependents {
  readonly authPort: AuthPort;
  readonly filter: IngressFilter;
  readonly tunnel: Tunnel;
}

export class OuterFollower {
  private readonly route: Routes;
  private readonly log: Logger;
  private readonly onOuterAddress: (address: string) => void;
  private wish: OuterWish;
  private current: OuterPath | undefined;
  /** Why there is no outer path now, said once. */
  private lost: string | undefined;

  constructor(route: Routes, wish: OuterWish, log: Logger, onOuterAddress: (address: string) => void) {
    this.route = route;
    this.wish = wish;
    this.log = log;
    this.onOuterAddress = onOuterAddress;
  }

  /** Throws before it was found. */
  get path(): OuterPath {
    if (this.current === undefined) throw new Error('the outer path is not known yet');
    return this.current;
  }

  /** As the ruleset wants it. */
  get side(): OuterSide {
    const { device, port } = this.wish;
    return { address: this.path.address, port, ...(device !== undefined && { device }) };
  }

  /** Index of the device that the user bound the tunnel to. */
  get boundDevice(): number | undefined {
    return this.wish.device === undefined ? undefined : this.path.device.index;
  }

  /** At the start. Rejects with PlaneError where the host has nothing fitting. */
  async find(): Promise<OuterPath> {
    this.current = await findOuterPath(this.route, this.wish);
    return this.current;
  }

  /** Looks whether anything has changed, and follows it. */
  async look(dependents: OuterDependents): Promise<void> {
    let path: OuterPath;
    try {
      path = await findOuterPath(this.route, this.wish);
    } catch (error) {
      // A network that is down stays down through many events: said once.
      if (messageOf(error) !== this.lost) this.log.warn(messageOf(error));
      this.lost = messageOf(error);
      return;
    }
    await this.follow(path, dependents);
  }

  /** On a client the way to the server decides the outer device and address, where the user named neither. */
  async aim(towards: string, dependents: OuterDependents): Promise<void> {
    const { wish } = this;
    if (wish.towards === undefined || wish.towards === towards) return;
    const aimed = { ...wish, towards };
    const path = await findOuterPath(this.route, aimed);
    this.wish = aimed;
    await this.follow(path, dependents);
  }

  private async follow(path: OuterPath, { authPort, filter, tunnel }: OuterDependents): Promise<void> {
    const before = this.path;
    const moved = path.address !== before.address;
    const otherDevice = path.device.index !== before.device.index;
    const isBack = this.lost !== undefined;
    this.current = path;
    this.lost = undefined;
    if (moved || otherDevice || isBack) {
      this.log.info(`outer address is ${path.address} on ${path.device.name} now`);
      // A socket is bound to the device, not to its name.
      if (otherDevice) authPort.bindTo(this.wish.device);
      if (moved) await filter.moveOuter(this.side);
      await tunnel.exclusively(async () => {
        await mendAll(await tunnel.plan());
      });
    }
    await tunnel.followMtu();
    // The same private address in another network is another endpoint, as the server sees it.
    const otherNetwork = path.gateway !== before.gateway;
    if (moved || otherDevice || isBack || otherNetwork) this.onOuterAddress(path.address);
  }
}
