/** Keeps up with the host's own side of the tunnel: its outer address, device and gateway, which may change under it. */
import type { Logger } from '../../log/index.js';
import type { Routes } from './announce.js';
import { messageOf } from './errors.js';
import { findOuterPath, type OuterPath, type OuterSide, type OuterWish } from './outer-path.js';

/** What is another one than that which was followed last. */
export interface OuterChange {
  readonly address: boolean;
  readonly device: boolean;
  /** There was none meanwhile. */
  readonly isBack: boolean;
  /** The same address, perhaps, behind another gateway. */
  readonly network: boolean;
}

const NO_CHANGE: OuterChange = { address: false, device: false, isBack: false, network: false };

/** Has the rest of the plane move with it. Called after every look, also where nothing has changed. */
export type Follow = (change: OuterChange) => Promise<void>;

export class OuterFollower {
  private readonly route: Routes;
  private readonly log: Logger;
  private readonly onOuterAddress: (address: string) => void;
  private wish: OuterWish;
  private current: OuterPath | undefined;
  /** Why there is no outer path now, said once. */
  private lost: string | undefined;
  /** What could not be followed yet. */
  private owed: OuterChange = NO_CHANGE;

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

  /** Looks whether anything has changed, and follows it. Where that fails it rejects; the next look tries it again. */
  async look(follow: Follow): Promise<void> {
    let path: OuterPath;
    try {
      path = await findOuterPath(this.route, this.wish);
    } catch (error) {
      // A network that is down stays down through many events: said once.
      if (messageOf(error) !== this.lost) this.log.warn(messageOf(error));
      this.lost = messageOf(error);
      return;
    }
    await this.move(path, follow);
  }

  /** On a client the way to the server decides the outer device and address, where the user named neither. */
  async aim(towards: string, follow: Follow): Promise<void> {
    const { wish } = this;
    if (wish.towards === undefined || wish.towards === towards) return;
    const aimed = { ...wish, towards };
    const path = await findOuterPath(this.route, aimed);
    this.wish = aimed;
    await this.move(path, follow);
  }

  private async move(path: OuterPath, follow: Follow): Promise<void> {
    const { path: before, owed } = this;
    const isOther = {
      address: path.address !== before.address,
      device: path.device.index !== before.device.index,
      isBack: this.lost !== undefined,
    };
    if (isOther.address || isOther.device || isOther.isBack) {
      this.log.info(`outer address is ${path.address} on ${path.device.name} now`);
    }
    const change: OuterChange = {
      address: isOther.address || owed.address,
      device: isOther.device || owed.device,
      isBack: isOther.isBack || owed.isBack,
      network: path.gateway !== before.gateway || owed.network,
    };
    this.current = path;
    this.lost = undefined;
    this.owed = change;
    await follow(change);
    this.owed = NO_CHANGE;
    // The same private address in another network is another endpoint, as the server sees it.
    if (change.address || change.device || change.isBack || change.network) this.onOuterAddress(path.address);
  }
}
