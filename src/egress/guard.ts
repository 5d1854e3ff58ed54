/**
 * The routing rules that shut the tunnels where the egress table is missing: packets out of a tunnel that it has not marked
 * are refused a route, whoever has flushed the ruleset. Kept apart from nftables on purpose.
 *
 * Where the ruleset that lets packets into the tunnels marks them, one rule does for all tunnels of a daemon, and a
 * packet's cost doesn't grow with them. What it lets in unmarked there is not: it lets nothing in when it is gone.
 * Elsewhere each tunnel device has a rule of its own.
 */
import { isKernelError } from '../netlink/errors.js';
import { RouteClient } from '../netlink/route/client.js';
import { ruleText, type ProhibitRule } from '../netlink/route/rule.js';
import { FAMILIES } from './address.js';
import type { Say } from './say.js';

/** On packets that came out of a tunnel whose egress is looked after; without it no route leads on. */
export const EGRESS_MARK = 0x1000_0000;
/** On packets that were let into such a tunnel, wrapped up and unwrapped. */
export const ADMITTED_MARK = 0x2000_0000;

/** Right behind the rule for local addresses: what is for the host itself passes, nothing else goes by before. */
const PRIORITY = 1;
/** With the tunnel's number, the table that tells a daemon's rule from the same of another. There is none of it. */
const FIRST_TABLE = 0x1728_0000;

export interface GuardSettings {
  /** Of the tunnel, and of nobody else's on this host. */
  readonly number: number;
  /** Whether what comes out of the tunnels carries ADMITTED_MARK. */
  readonly isAdmittedMarked: boolean;
}

export class Guard {
  private readonly route = RouteClient.open();
  private readonly settings: GuardSettings;
  private readonly say: Say;

  /** Does nothing yet. Throws SystemError. */
  constructor(settings: GuardSettings, say: Say) {
    this.settings = settings;
    this.say = say;
  }

  close(): void {
    this.route.close();
  }

  /** Resolves with how many rules were not there. From then on the devices' packets need EGRESS_MARK. */
  async shut(devices: readonly string[]): Promise<number> {
    const { isAdmittedMarked } = this.settings;
    const isThere = await this.look();
    const missing = this.rules(isAdmittedMarked, devices).filter((rule) => !isThere(rule));
    const made = await inBatches(missing, (rule) => this.add(rule));
    // An earlier run went about it in the other way.
    await inBatches(this.rules(!isAdmittedMarked, devices).filter(isThere), (rule) => this.delete(rule));
    return made.filter(Boolean).length;
  }

  async open(devices: readonly string[]): Promise<void> {
    const all = [true, false].flatMap((isMarked) => this.rules(isMarked, devices));
    await inBatches(all.filter(await this.look()), (rule) => this.delete(rule));
  }

  private async look(): Promise<(rule: ProhibitRule) => boolean> {
    const key = (rule: ProhibitRule): string => command('add', rule);
    const there = new Set((await this.route.prohibitRules()).map(key));
    return (rule) => there.has(key(rule));
  }

  private rules(isAdmittedMarked: boolean, devices: readonly string[]): ProhibitRule[] {
    const table = FIRST_TABLE + this.settings.number;
    return FAMILIES.flatMap((family): ProhibitRule[] => {
      const rule = { family, priority: PRIORITY };
      const mark = { value: ADMITTED_MARK, mask: ADMITTED_MARK | EGRESS_MARK };
      if (isAdmittedMarked) return [{ ...rule, mark, table }];
      return devices.map((inputDevice) => ({ ...rule, inputDevice, mark: { value: 0, mask: EGRESS_MARK } }));
    });
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

  private async delete(rule: ProhibitRule): Promise<void> {
    if (await this.route.deleteRule(rule)) this.say(() => command('delete', rule));
  }
}

const command = (verb: 'add' | 'delete', rule: ProhibitRule): string =>
  `${rule.family === 'ip' ? 'ip' : 'ip -6'} rule ${verb} ${ruleText(rule)}`;

/** Requests that wait for each other's answers take several times as long; the answers to all at once have no room. */
const AT_ONCE = 200;

async function inBatches<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  for (let first = 0; first < items.length; first += AT_ONCE) {
    results.push(...(await Promise.all(items.slice(first, first + AT_ONCE).map(work))));
  }
  return results;
}
