/**
 * The device of a tunnel: found, made, compared with what it must be. Where it is to lead is the tunnel's business
 * (tunnel.ts).
 */
import type { Endpoint } from '../../core/endpoint.js';
import type { Logger } from '../../log/index.js';
import { NETIF_F_HW_CSUM } from '../../netlink/ethtool/constants.js';
import { setDeviceFeature } from '../../netlink/ethtool/features.js';
import type { Link } from '../../netlink/route/link.js';
import { isTunnelKind, type TunnelKind, type TunnelParameters } from '../../netlink/route/tunnel.js';
import type { TunnelSettings } from '../index.js';
import type { Routes } from '../common/announce.js';
import { createLink } from './create-link.js';
import { inPart, PlaneError } from '../common/errors.js';
import { planSettled } from '../common/settled-link.js';
import { formatMark, parseMark, type Mark } from '../common/mark.js';
import { quietIpv6 } from '../common/quiet-ipv6.js';
import { mendAll, type Step } from '../common/step.js';
import { describeDifference, sameParameters } from './tunnel-parameters.js';

/** RFC 791 and RFC 768 headers in front of the inner packet. */
const OUTER_HEADER_BYTES = 28;
/** RFC 791, and RFC 8200, section 5: what doesn't fit a way in one piece for that the kernel then sends in fragments. */
const SMALLEST_MTU = { ipip: 68, sit: 1280 } as const;

export interface LinkContext {
  readonly route: Routes;
  readonly log: Logger;
  readonly mark: Mark;
  /** The outer address of the link: an internal one, or without a filter the host's own. */
  readonly local: () => string;
  /** Index of the device that the user bound the tunnel to. */
  readonly outerDevice: () => number | undefined;
}

export class TunnelLink {
  private readonly settings: TunnelSettings;
  private readonly context: LinkContext;
  private readonly kind: TunnelKind;
  private link: Link | undefined;
  /** The MTU that the path to the peer had last. */
  private fittedMtu: number | undefined;

  constructor(settings: TunnelSettings, context: LinkContext) {
    this.settings = settings;
    this.context = context;
    this.kind = settings.inner6 === undefined ? 'ipip' : 'sit';
  }

  /** Whether it has been made, or found. */
  get isThere(): boolean {
    return this.link !== undefined;
  }

  /**
   * Takes over the link that an earlier run left, brought up to date with the settings. Returns where it leads; undefined
   * where there is no link. Rejects where a link of that name is not ours.
   */
  async adopt(): Promise<Endpoint | undefined> {
    const { route, mark } = this.context;
    const { device } = this.settings;
    const there = await this.find();
    const renamed = (await route.links()).filter(
      ({ kind, name, alias }) => isTunnelKind(kind) && name !== device && parseMark(alias)?.number === mark.number,
    );
    for (const link of renamed) await route.deleteLink(link.index);
    const { remote, fou } = (there ?? renamed[0])?.tunnel ?? {};
    if (remote === undefined || fou === undefined) {
      if (there !== undefined) await route.deleteLink(there.index);
      return undefined;
    }
    const endpoint = { address: remote, port: fou.destinationPort };
    await mendAll(await this.plan(endpoint));
    if (this.link !== undefined) await this.fitOffload(this.link, fou.checksum);
    return endpoint;
  }

  /** The mark of the link that an earlier run left. */
  async leftMark(): Promise<Mark | undefined> {
    return parseMark((await this.find())?.alias);
  }

  /** What the link lacks to lead to the endpoint. Rejects with PlaneError where a link of that name is not ours. */
  async plan(endpoint: Endpoint): Promise<Step[]> {
    const { route, mark } = this.context;
    const { device } = this.settings;
    const link = await this.find();
    if (link === undefined) {
      return [
        {
          lack: `the device ${device} is gone (and with it what was routed there)`,
          mend: () => this.make(endpoint),
        },
      ];
    }
    this.link = link;
    const steps: Step[] = [];
    const alias = formatMark(mark);
    if (link.alias !== alias) {
      steps.push({ lack: `the device ${device} has another mark`, mend: () => route.setLink(link.index, { alias }) });
    }
    const wanted = this.parameters(endpoint);
    const isOtherKind = link.kind !== this.kind;
    if (isOtherKind || link.tunnel?.remote === undefined) {
      // A link can't become one of another kind, nor get a remote end that it hadn't; it is made anew.
      steps.push({
        lack: `the device ${device} ${isOtherKind ? `is of the kind ${link.kind ?? 'none'}` : 'has no remote end'}`,
        mend: async () => {
          await route.deleteLink(link.index);
          await this.make(endpoint);
        },
      });
      return steps;
    }
    if (!sameParameters(link.tunnel, wanted)) {
      const lack = `the device ${device} ${describeDifference(link.tunnel, wanted)}`;
      steps.push({ lack, mend: () => route.changeTunnel(link.index, wanted, this.kind) });
    }
    const { fittedMtu: mtu } = this;
    if (mtu !== undefined && link.mtu !== mtu) {
      const lack = `the device ${device} has an MTU of ${link.mtu} instead of ${mtu}`;
      steps.push({ lack, mend: () => route.setLink(link.index, { mtu }) });
    }
    return [...steps, ...(await planSettled(route, this.settings, link))];
  }

  /** Whether an event about the link shows it as it should be: most tell of our own changes. */
  isAsWanted(link: Link, endpoint: Endpoint): boolean {
    if (link.index !== this.link?.index || link.name !== this.settings.device) return false;
    const tunnelFits =
      link.kind === this.kind && link.tunnel !== undefined && sameParameters(link.tunnel, this.parameters(endpoint));
    return tunnelFits && link.up && link.alias === formatMark(this.context.mark) && link.mtu === this.fittedMtu;
  }

  /** Whether the link is this one, or has its name. */
  concerns(link: Pick<Link, 'index'> & { readonly name?: string }): boolean {
    return link.index === this.link?.index || link.name === this.settings.device;
  }

  /** The MTU follows that of the device towards the peer. */
  async followMtu(endpoint: Endpoint): Promise<void> {
    if (this.link === undefined) return;
    const mtu = await this.fittingMtu(endpoint);
    if (mtu === undefined || mtu === this.fittedMtu) return;
    this.fittedMtu = mtu;
    const link = await this.context.route.linkByIndex(this.link.index);
    if (link === undefined || link.mtu === mtu) return;
    this.context.log.info(`MTU of ${link.name}: ${link.mtu} → ${mtu}`);
    await this.context.route.setLink(link.index, { mtu });
  }

  /** Makes the link, up and with its address. */
  async make(endpoint: Endpoint): Promise<void> {
    const { route, mark } = this.context;
    const { device } = this.settings;
    // It may still be there by another name, and two links can't have one pair of outer addresses.
    const before = this.link === undefined ? undefined : await route.linkByIndex(this.link.index);
    if (before !== undefined && parseMark(before.alias)?.number === mark.number) await route.deleteLink(before.index);
    const mtu = await this.fittingMtu(endpoint);
    const link = await inPart(
      'link',
      createLink(route, {
        name: device,
        kind: this.kind,
        alias: formatMark(mark),
        tunnel: this.parameters(endpoint),
        ...(mtu !== undefined && { mtu }),
      }),
    );
    try {
      await this.fitOffload(link, false);
      if (this.kind === 'sit') await inPart('link', quietIpv6(route, link.index));
      await mendAll(await planSettled(route, this.settings, link));
    } catch (error) {
      await route.deleteLink(link.index).catch(() => undefined);
      throw error;
    }
    this.fittedMtu = mtu;
    this.link = link;
  }

  /** Takes back a `make` whose rest failed. */
  async unmake(): Promise<void> {
    const { link } = this;
    this.link = undefined;
    if (link !== undefined) await this.context.route.deleteLink(link.index).catch(() => undefined);
  }

  /** Leads to the endpoint from now on. The request is sent before this returns. */
  async lead(endpoint: Endpoint): Promise<void> {
    if (this.link === undefined) throw new Error(`there is no device ${this.settings.device} to be pointed`);
    await this.context.route.changeTunnel(this.link.index, this.parameters(endpoint), this.kind);
  }

  /** Removes what has the name, if it is ours. */
  async remove(): Promise<void> {
    const link = await this.find();
    if (link !== undefined) await this.context.route.deleteLink(link.index);
    this.link = undefined;
  }

  private async find(): Promise<Link | undefined> {
    const { device } = this.settings;
    const link = await this.context.route.linkByName(device);
    if (link === undefined || this.isOurs(link)) return link;
    throw new PlaneError(
      'link',
      `the device ${device} is there already and not ours: remove it (ip link delete ${device}), or choose another name with --tunl-dev`,
    );
  }

  /** By its mark. The kernel takes that in a second step only, which a killed run may not have come to. */
  private isOurs(link: Link): boolean {
    const { mark, local } = this.context;
    if (!isTunnelKind(link.kind)) return false;
    if (link.alias !== undefined) return parseMark(link.alias)?.number === mark.number;
    if (link.index === this.link?.index) return true;
    return link.tunnel?.local === local() && link.tunnel.fou?.sourcePort === mark.port;
  }

  /**
   * Where the inner checksum is left to the hardware the kernel computes the outer one from the inner (LCO,
   * Documentation/networking/checksum-offloads.rst), and nf_tables then corrects it the wrong way round for the new
   * source address (nft_payload_l4csum_update() takes it for a pseudo-header's). So the two exclude each other.
   */
  private async fitOffload(link: Link, hadChecksum: boolean): Promise<void> {
    const { udpChecksum = false } = this.settings;
    if (!udpChecksum && !hadChecksum) return;
    this.context.log.debug(`ethtool -K ${link.name} tx-checksum-ip-generic ${udpChecksum ? 'off' : 'on'}`);
    await inPart('link', setDeviceFeature(link.index, NETIF_F_HW_CSUM, !udpChecksum));
  }

  private async fittingMtu(endpoint: Endpoint): Promise<number | undefined> {
    const { route, log } = this.context;
    const outerDevice = this.context.outerDevice();
    const { mtu } = this.settings;
    const path = await route.routeTo(endpoint.address, outerDevice === undefined ? {} : { oif: outerDevice });
    if (path?.outInterface === undefined) return mtu;
    const device = await route.linkByIndex(path.outInterface);
    if (device === undefined) return mtu;
    if (device.name === this.settings.device) {
      log.warn(
        `the route to ${endpoint.address} leads into the tunnel itself, so nothing can leave: add a route to it by the outer device`,
      );
      return mtu;
    }
    return mtu ?? Math.max(SMALLEST_MTU[this.kind], device.mtu - OUTER_HEADER_BYTES);
  }

  private parameters(endpoint: Endpoint): TunnelParameters {
    const { mark, local } = this.context;
    const outerDevice = this.context.outerDevice();
    return {
      local: local(),
      remote: endpoint.address,
      ...(outerDevice !== undefined && { device: outerDevice }),
      ttl: 0,
      tos: 0,
      pathMtuDiscovery: true,
      fou: { sourcePort: mark.port, destinationPort: endpoint.port, checksum: this.settings.udpChecksum === true },
    };
  }
}
