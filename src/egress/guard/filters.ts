/**
 * The guard on the tunnel's own device: what comes out of it looks as if it had been broadcast, which the kernel forwards
 * nowhere (net/ipv4/ip_forward.c, net/ipv6/ip6_output.c), until the egress table has turned it back. It is before
 * netfilter, and no other packet of the host passes it.
 */
import { readFileSync } from 'node:fs';
import { KernelError } from '../../netlink/errors.js';
import { typeFilterCommands } from '../../netlink/route/type-filter.js';
import { TypeFilterClient } from '../../netlink/route/type-filter-client.js';
import type { SayChange } from '../../log/index.js';

export interface Device {
  readonly name: string;
  readonly index: number;
}

export class GuardFilters {
  private readonly client = TypeFilterClient.open();
  private readonly say: SayChange;

  /** Does nothing yet. Throws SystemError. */
  constructor(say: SayChange) {
    this.say = say;
  }

  close(): void {
    this.client.close();
  }

  /**
   * Resolves with whether it was missing. Rejects with KernelError where the kernel or the device takes none, and leaves
   * nothing then.
   */
  async shut({ name, index }: Device): Promise<boolean> {
    const isHookMade = await this.client.addHook(index);
    if (isHookMade) this.tell(typeFilterCommands.addHook(name));
    try {
      const isMade = await this.client.add(index);
      if (isMade) this.tell(typeFilterCommands.add(name));
      else if (!(await this.client.has(index))) throw new PlaceTakenError(`another filter of ${name} has its place`);
      return isMade;
    } catch (error) {
      if (isHookMade) await this.deleteHook({ name, index });
      throw error;
    }
  }

  async open(device: Device): Promise<void> {
    const { name, index } = device;
    try {
      if (!(await this.client.delete(index))) return;
    } catch (error) {
      // The device is gone, or the kernel has no filters at all.
      if (error instanceof KernelError) return;
      throw error;
    }
    this.tell(typeFilterCommands.delete(name));
    if (!(await this.client.isHookUsed(index))) await this.deleteHook(device);
  }

  private async deleteHook({ name, index }: Device): Promise<void> {
    if (await this.client.deleteHook(index)) this.tell(typeFilterCommands.deleteHook(name));
  }

  private tell(command: string): void {
    this.say(() => `tc ${command}`);
  }
}

/** Somebody else's filter stands where the guard's would. */
export class PlaceTakenError extends Error {
  override readonly name = 'PlaceTakenError';
}

/** IPv6 may be told to drop what looks like that before netfilter sees it (Documentation/networking/ip-sysctl.rst). */
export function dropsBroadcast(device: string): boolean {
  try {
    return readFileSync(`/proc/sys/net/ipv6/conf/${device}/drop_unicast_in_l2_multicast`, 'utf8').trim() !== '0';
  } catch {
    // No IPv6.
    return false;
  }
}
