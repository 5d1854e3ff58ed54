/**
 * The routing rules that shut the tunnels where the egress table is missing: packets out of a tunnel that it has not marked
 * are refused a route, whoever has flushed the ruleset. Kept apart from nftables on purpose.
 *
 * A single tunnel is known by its device, whatever others do to the marks of its packets. Several of one daemon share a
 * rule, or a packet's cost would grow with them: it knows their packets by what the ruleset has marked them with that lets
 * them in. What it lets in unmarked there is not: it lets nothing in when it is gone.
 */
import { isKernelError } from '../netlink/errors.js';
import { RouteClient } from '../netlink/route/client.js';
import { ruleText, type PolicyRule, type ProhibitRule } from '../netlink/route/rule.js';
import { FAMILIES } from './address.js';
import type { Say } from './say.js';

/** On packets that came out of a tunnel whose egress is looked after; without it no route leads on. */
export const EGRESS_MARK = 0x1000_0000;
const ADMITTED_MARK = 0x2000_0000;
/** How packets are to come out of such a tunnel. They may have been through another one before, still wrapped up. */
export const ADMITTED = { set: ADMITTED_MARK, clear: EGRESS_MARK } as const;

const DEVICE_MARK = { value: 0, mask: EGRESS_MARK };
const SHARED_MARK = { value: ADMITTED_MARK, mask: ADMITTED_MARK | EGRESS_MARK };

/** With the tunnel's number, the table that tells a daemon's rule from the same of another. There is none of it. */
const FIRST_TABLE = 0x1728_0000;
/** Behind the host's own table only. */
const LAST_PRIORITY = 32_765;

/** What had to be done, of all rules. */
export interface Shut {
  /** So many were missing. */
  readonly made: number;
  /** So many stood behind rules of others, and stand ahead of them now. */
  readonly moved: number;
  /** A rule of somebody else's that there is no room ahead of. */
  readonly ahead: PolicyRule | undefined;
}

/** A rule of ours, wherever it stands. */
type Wanted = Omit<ProhibitRule, 'priority'>;

export class Guard {
  private readonly route = RouteClient.open();
  private readonly number: number;
  private readonly say: Say;

  /** Does nothing yet. `number` is the daemon's alone. Throws SystemError. */
  constructor(number: number, say: Say) {
    this.number = number;
    this.say = say;
  }

  close(): void {
    this.route.close();
  }

  /**
   * From then on the devices' packets need EGRESS_MARK. Each rule stands ahead of all of others but the one for local
   * addresses, as close as can be: those that are made without a priority get one by what stands there.
   */
  async shut(devices: readonly string[]): Promise<Shut> {
    const there = await this.route.rules();
    const [wanted, other] = [this.wanted(devices), this.other(devices)];
    let [made, moved] = [0, 0];
    let ahead: PolicyRule | undefined;
    for (const family of FAMILIES) {
      const others = there.filter((rule) => rule.family === family && !isGuard(rule) && !rule.isLocalTable);
      // What has priority 0 stands ahead of whatever is made after it.
      ahead ??= others.find(({ priority }) => priority === 0);
      const limit = others.find(({ priority }) => priority > 0)?.priority ?? LAST_PRIORITY + 1;
      const place = { priority: Math.min(limit - 1, LAST_PRIORITY) };
      await inBatches(
        wanted.filter((rule) => rule.family === family),
        async (rule) => {
          const standing = there.flatMap(({ prohibit }) => (prohibit && isSame(prohibit, rule) ? [prohibit] : []));
          if (standing.some(({ priority }) => priority < limit)) return;
          if (!(await this.add({ ...rule, ...place }))) return;
          if (standing.length === 0) made += 1;
          else moved += 1;
          for (const one of standing) await this.delete(one);
        },
      );
    }
    await this.deleteAll(there, other);
    return { made, moved, ahead };
  }

  async open(devices: readonly string[]): Promise<void> {
    await this.deleteAll(await this.route.rules(), [...this.wanted(devices), ...this.other(devices)]);
  }

  private wanted(devices: readonly string[]): Wanted[] {
    return devices.length > 1 ? this.shared() : ofDevices(devices);
  }

  /** What an earlier run may have that had more tunnels, or less. */
  private other(devices: readonly string[]): Wanted[] {
    return devices.length > 1 ? ofDevices(devices) : this.shared();
  }

  private shared(): Wanted[] {
    return FAMILIES.map((family) => ({ family, mark: SHARED_MARK, table: FIRST_TABLE + this.number }));
  }

  private async add(rule: ProhibitRule): Promise<boolean> {
    try {
      const isMade = await this.route.addRule(rule);
      if (isMade) this.say(() => command('add', rule));
      return isMade;
    } catch (error) {
      // A kernel without IPv6 has no IPv6 packets that could leave.
      if (rule.family === 'ip6' && isKernelError(error, 'EAFNOSUPPORT', 'EOPNOTSUPP')) return false;
      throw error;
    }
  }

  private async deleteAll(there: readonly PolicyRule[], unwanted: readonly Wanted[]): Promise<void> {
    const keys = new Set(unwanted.map(keyOf));
    const left = there.flatMap(({ prohibit }) => (prohibit && keys.has(keyOf(prohibit)) ? [prohibit] : []));
    await inBatches(left, (rule) => this.delete(rule));
  }

  private async delete(rule: ProhibitRule): Promise<void> {
    if (await this.route.deleteRule(rule)) this.say(() => command('delete', rule));
  }
}

const ofDevices = (devices: readonly string[]): Wanted[] =>
  FAMILIES.flatMap((family) => devices.map((inputDevice) => ({ family, inputDevice, mark: DEVICE_MARK })));

/** Also another daemon's: they stand side by side. */
const isGuard = ({ prohibit }: PolicyRule): boolean =>
  prohibit !== undefined && [DEVICE_MARK.mask, SHARED_MARK.mask].includes(prohibit.mark.mask);

const keyOf = (rule: Wanted): string => command('add', { ...rule, priority: 0 });
const isSame = (one: Wanted, other: Wanted): boolean => keyOf(one) === keyOf(other);

const command = (verb: 'add' | 'delete', rule: ProhibitRule): string =>
  `${rule.family === 'ip' ? 'ip' : 'ip -6'} rule ${verb} ${ruleText(rule)}`;

/** Requests that wait for each other's answers take several times as long; the answers to all at once have no room. */
const AT_ONCE = 200;

async function inBatches<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  for (let first = 0; first < items.length; first += AT_ONCE) {
    await Promise.all(items.slice(first, first + AT_ONCE).map(work));
  }
}
