/** The tunnel's device: a TUN device that lives as long as we hold its descriptor, marked and set as the settings say. */
import { closeSync } from 'node:fs';
import type { Link } from '../../netlink/route/link.js';
import { SystemError } from '../../sys/errors.js';
import { openTun, requireTun, type TunDescriptor } from '../../sys/tun.js';
import type { TunnelSettings } from '../index.js';
import type { SayChange } from '../../log/index.js';
import type { Routes } from '../common/announce.js';
import { PlaneError, UnsupportedError } from '../common/errors.js';
import { formatMark, type Mark } from '../common/mark.js';
import { planSettled } from '../common/settled-link.js';
import type { Step } from '../common/step.js';
import { quietIpv6, withoutIpv6 } from '../common/quiet-ipv6.js';

export interface TunDeviceContext {
  readonly route: Routes;
  readonly settings: TunnelSettings;
  readonly mark: Mark;
  /** Whether to use the offloads of TUN where the kernel has them. */
  readonly offloads: boolean;
  readonly announce: SayChange;
}

export class TunDevice {
  private readonly context: TunDeviceContext;
  private descriptor: TunDescriptor | undefined;
  private link: Link | undefined;

  constructor(context: TunDeviceContext) {
    this.context = context;
  }

  /** -1 while there is none. */
  get fd(): number {
    return this.descriptor?.fd ?? -1;
  }

  get offloads(): boolean {
    return this.descriptor?.offloads === true;
  }

  /** -1 while there is none. */
  get index(): number {
    return this.link?.index ?? -1;
  }

  /** What the device lacks; `onMade` is told of a new descriptor before the old one is closed. */
  async plan(mtu: number | undefined, onMade: () => Promise<void>): Promise<Step[]> {
    const { route, settings, mark } = this.context;
    const { device } = settings;
    const there = await route.linkByName(device);
    const link = there?.index === this.index ? there : undefined;
    if (link === undefined) {
      const lack = `the device ${device} is gone (and with it what was routed there)`;
      return [{ lack, mend: () => this.make(mtu, onMade) }];
    }
    this.link = link;
    const steps: Step[] = [];
    const alias = formatMark(mark);
    if (link.alias !== alias) {
      steps.push({ lack: `the device ${device} has another mark`, mend: () => route.setLink(link.index, { alias }) });
    }
    if (mtu !== undefined && link.mtu !== mtu) {
      const lack = `the device ${device} has an MTU of ${link.mtu} instead of ${mtu}`;
      steps.push({ lack, mend: () => route.setLink(link.index, { mtu }) });
    }
    return [...steps, ...(await planSettled(route, settings, link))];
  }

  /** Whether the link is this one, or has its name. */
  concerns(link: Pick<Link, 'index'> & { readonly name?: string }): boolean {
    return link.index === this.index || link.name === this.context.settings.device;
  }

  /** Whether an event about the link shows it as it should be: most tell of our own changes. */
  isAsWanted(link: Link, mtu: number | undefined): boolean {
    const { settings, mark } = this.context;
    if (link.index !== this.index || link.name !== settings.device || !link.up) return false;
    return link.alias === formatMark(mark) && (mtu === undefined || link.mtu === mtu);
  }

  /** The device goes with its descriptor. */
  close(): void {
    const { descriptor } = this;
    this.descriptor = undefined;
    this.link = undefined;
    if (descriptor !== undefined) closeSync(descriptor.fd);
  }

  /** Makes the device, up and with its address. Rejects with PlaneError. */
  private async make(mtu: number | undefined, onMade: () => Promise<void>): Promise<void> {
    const { route, settings, mark, announce } = this.context;
    const { device } = settings;
    const before = this.descriptor;
    announce(() => `ip tuntap add dev ${device} mode tun${this.context.offloads ? ' vnet_hdr' : ''}`);
    const descriptor = this.open();
    try {
      const link = await route.linkByName(device);
      if (link === undefined) throw new PlaneError('link', `the device ${device} vanished while being made`);
      this.link = link;
      this.descriptor = descriptor;
      await route.setLink(link.index, { alias: formatMark(mark), ...(mtu !== undefined && { mtu }) });
      if (settings.inner6 === undefined) withoutIpv6(device);
      else await quietIpv6(route, link.index);
      for (const step of await planSettled(route, settings, link)) await step.mend();
      await onMade();
    } catch (error) {
      this.descriptor = before;
      closeSync(descriptor.fd);
      throw error;
    }
    if (before !== undefined) closeSync(before.fd);
  }

  private open(): TunDescriptor {
    const { settings, offloads } = this.context;
    const { device, inner6 } = settings;
    requireDevices();
    try {
      return openTun(device, offloads, inner6 !== undefined);
    } catch (error) {
      if (!(error instanceof SystemError)) throw error;
      if (error.code === 'EBUSY' || error.code === 'EINVAL') {
        throw new PlaneError(
          'link',
          `the device ${device} is there already and not ours: is this tunnel running already? Otherwise remove it (ip link delete ${device}), or choose another name with --tunl-dev`,
          { cause: error },
        );
      }
      throw new PlaneError('link', error.message, { cause: error });
    }
  }
}

/** Throws UnsupportedError where this process can't have a TUN device, whatever its name. */
export function requireDevices(): void {
  try {
    requireTun();
  } catch (error) {
    if (!(error instanceof SystemError)) throw error;
    throw new UnsupportedError(
      'module',
      `${error.message}: "modprobe tun" as root makes it; a container needs --device /dev/net/tun, a systemd unit DeviceAllow=/dev/net/tun`,
      { cause: error },
    );
  }
}
