/**
 * The device that holds the internal outer address.
 *
 * Sending from an address needs the host to have it. Receiving must not work by it, or whoever shares a network with us
 * could address a tunnel directly: so the `local` route that the kernel adds with each address is deleted, and the device
 * stays down, which leaves the address nowhere to be reached. For the moment in which a socket is bound to the address the
 * route comes back; the rules drop what is sent there meanwhile.
 */
import { isKernelError } from '../../netlink/errors.js';
import { RT_SCOPE_NOWHERE, RT_TABLE_LOCAL, RTN_LOCAL, RTPROT_UNSPEC } from '../../netlink/route/constants.js';
import type { Link } from '../../netlink/route/link.js';
import type { Route } from '../../netlink/route/route.js';
import type { Routes } from '../common/announce.js';
import { createLink } from './create-link.js';
import { inPart, PlaneError } from '../common/errors.js';
import { chooseInternalAddress } from './internal-address.js';
import { formatMark, parseMark, type Mark } from '../common/mark.js';
import type { Step } from '../common/step.js';

/** Routes that differ in metric only can stand side by side. */
const MAX_LOCAL_ROUTES = 16;

export const internalDeviceName = (number: number): string => `ipipou${number}in`;

export class InternalDevice {
  readonly name: string;
  private readonly route: Routes;
  private readonly mark: Mark;
  private readonly wished: string;
  private index: number | undefined;
  private assigned: string | undefined;

  constructor(route: Routes, mark: Mark, wished: string) {
    this.name = internalDeviceName(mark.number);
    this.route = route;
    this.mark = mark;
    this.wished = wished;
  }

  /** The internal address; there is one as soon as the steps of a plan have been carried out. */
  get address(): string {
    if (this.assigned === undefined) throw new Error(`${this.name} has no address yet`);
    return this.assigned;
  }

  owns(index: number): boolean {
    return index === this.index;
  }

  /** Whether the route leads to the device or to its address. */
  isLedTo(route: Pick<Route, 'outInterface' | 'destination'>): boolean {
    return (route.outInterface !== undefined && this.owns(route.outInterface)) || route.destination === this.assigned;
  }

  /** The mark that an earlier run left here. Rejects with PlaneError where a device of that name isn't ours. */
  async leftMark(): Promise<Mark | undefined> {
    return parseMark((await this.find())?.alias);
  }

  /** Rejects with PlaneError where a device of that name isn't ours. */
  async plan(): Promise<Step[]> {
    const { route, name } = this;
    const alias = formatMark(this.mark);
    const link = await this.find();
    if (link === undefined) return [{ lack: `the device ${name} is gone`, mend: () => this.make() }];
    this.index = link.index;
    const there = await route.addresses({ index: link.index });
    // An address in use is kept, whatever is wished for.
    const wished = this.assigned ?? this.wished;
    const kept =
      there.find(({ address }) => address === wished) ?? (this.assigned === undefined ? there[0] : undefined);
    const steps: Step[] = [];
    if (kept !== undefined) {
      this.assigned = kept.address;
      if (await this.isOpen(kept.address)) {
        steps.push({
          lack: `the local route of ${kept.address} is back`,
          mend: () => this.shut(kept.address),
        });
      }
    }
    if (link.alias !== alias) {
      steps.push({ lack: `the device ${name} has another mark`, mend: () => route.setLink(link.index, { alias }) });
    }
    if (link.up) {
      steps.push({ lack: `the device ${name} is up`, mend: () => route.setLink(link.index, { up: false }) });
    }
    for (const other of there.filter((one) => one !== kept)) {
      steps.push({
        lack: `the device ${name} has the address ${other.address}`,
        mend: () => route.deleteAddress(other),
      });
    }
    if (kept === undefined) {
      steps.push({ lack: `the device ${name} has lost its address`, mend: () => this.assign(link.index) });
    }
    return steps;
  }

  /** Does something while the kernel takes the address for one of its own, as binding a socket to it needs. */
  async whileLocal<T>(work: () => Promise<T>): Promise<T> {
    const { address: destination } = this;
    const { index: outInterface } = this;
    if (outInterface === undefined) throw new Error(`${this.name} is not there yet`);
    await this.route.addRoute({ destination, prefixLength: 32, type: RTN_LOCAL, outInterface });
    try {
      return await work();
    } finally {
      await this.shut(destination);
    }
  }

  async remove(): Promise<void> {
    const link = await this.find();
    if (link !== undefined) await this.route.deleteLink(link.index);
    this.index = undefined;
  }

  private async find(): Promise<Link | undefined> {
    const { route, name, mark } = this;
    const link = await route.linkByName(name);
    if (link === undefined) return undefined;
    const marked = parseMark(link.alias)?.number === mark.number;
    if (link.kind === 'dummy' && (marked || (await this.isHalfMade(link)))) return link;
    throw new PlaneError(
      'link',
      `the device ${name}, which this tunnel needs, is there already and not ours: remove it (ip link delete ${name}) or use another --number`,
    );
  }

  /** The kernel takes the mark in a second step only, which a killed run may not have come to. */
  private async isHalfMade(link: Link): Promise<boolean> {
    if (link.alias !== undefined) return false;
    return link.index === this.index || (await this.route.addresses({ index: link.index })).length === 0;
  }

  private async make(): Promise<void> {
    const { route, name, mark, index } = this;
    const before = index === undefined ? undefined : await route.linkByIndex(index);
    if (before !== undefined && parseMark(before.alias)?.number === mark.number) await route.deleteLink(before.index);
    const link = await inPart('link', createLink(route, { name, kind: 'dummy', alias: formatMark(mark) }));
    this.index = link.index;
    await this.assign(link.index);
  }

  private async assign(index: number): Promise<void> {
    const address = await this.chooseAddress();
    await inPart('address', this.route.addAddress({ index, address, prefixLength: 32 }));
    this.assigned = address;
    await this.shut(address);
  }

  /** Whether a route takes packets to the address in, whoever made it and through whatever device. */
  private async isOpen(address: string): Promise<boolean> {
    const routes = await this.route.routes({ table: RT_TABLE_LOCAL });
    return routes.some(({ type, destination, prefixLength }) => {
      return type === RTN_LOCAL && destination === address && prefixLength === 32;
    });
  }

  /** Deletes the routes by which packets to the address would be taken in. */
  private async shut(address: string): Promise<void> {
    for (let round = 0; round < MAX_LOCAL_ROUTES; round++) {
      try {
        await this.route.deleteRoute({
          destination: address,
          prefixLength: 32,
          table: RT_TABLE_LOCAL,
          type: RTN_LOCAL,
          scope: RT_SCOPE_NOWHERE,
          protocol: RTPROT_UNSPEC,
        });
      } catch (error) {
        if (isKernelError(error, 'ESRCH')) return;
        throw error;
      }
    }
  }

  private async chooseAddress(): Promise<string> {
    const wished = this.assigned ?? this.wished;
    const addresses = (await this.route.addresses()).map(({ address }) => ({ address, prefixLength: 32 }));
    const routes = (await this.route.routes()).map(({ destination, prefixLength }) => ({
      address: destination,
      prefixLength,
    }));
    const address = chooseInternalAddress(wished, [...addresses, ...routes]);
    if (address === undefined) {
      throw new PlaneError(
        'address',
        `this host uses ${wished} and thousands of addresses behind it: give --fou-local-ip-alt`,
      );
    }
    return address;
  }
}
