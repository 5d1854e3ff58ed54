/**
 * The guard where devices take no filters: routing rules, by which packets out of a tunnel that the egress table has not
 * marked are refused a route. Every packet of the host is led past them, and with any rule of its own the kernel asks for
 * two routes where it asked for one (net/ipv4/fib_frontend.c): filters cost less.
 */
import { isKernelError } from '../../netlink/errors.js';
import { RouteClient } from '../../netlink/route/client.js';
import { ruleText, type PolicyRule, type ProhibitRule } from '../../netlink/route/rule.js';
import { FAMILIES } from '../address.js';
import { inBatches } from './in-batches.js';
import type { SayChange } from '../../log/index.js';

/** On packets that came out of a tunnel whose egress is looked after. */
export const EGRESS_MARK = 0x1000_0000;
const UNMARKED = { value: 0, mask: EGRESS_MARK };

/** Behind the host's own table only. */
const LAST_PRIORITY = 32_765;

/** What had to be done, of all rules. */
export interface RulesShut {
  /** So many were missing. */
  readonly made: number;
  /** So many stood behind rules of others, and stand ahead of them now. */
  readonly moved: number;
  /** A rule of somebody else's that there is no room ahead of. */
  readonly ahead: PolicyRule | undefined;
}

/** A rule of ours, wherever it stands. */
type Wanted = Omit<ProhibitRule, 'priority'>;

export class GuardRules {
  private readonly route = RouteClient.open();
  private readonly say: SayChange;

  /** Does nothing yet. Throws SystemError. */
  constructor(say: SayChange) {
    this.say = say;
  }

  close(): void {
    this.route.close();
  }

  /**
   * From then on the devices' packets need EGRESS_MARK. Each rule stands ahead of all of others but the one for local
   * addresses, as close as can be: those that are made without a priority get one by what stands there.
   */
  async shut(devices: readonly string[]): Promise<RulesShut> {
    const there = await this.route.rules();
    const wanted = ofDevices(devices);
    const ours = byKey(there);
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
          const standing = ours.get(keyOf(rule)) ?? [];
          if (standing.some(({ priority }) => priority < limit)) return;
          if (!(await this.add({ ...rule, ...place }))) return;
          if (standing.length === 0) made += 1;
          else moved += 1;
          for (const one of standing) await this.delete(one);
        },
      );
    }
    return { made, moved, ahead };
  }

  async open(devices: readonly string[]): Promise<void> {
    const there = byKey(await this.route.rules());
    const left = ofDevices(devices).flatMap((rule) => there.get(keyOf(rule)) ?? []);
    await inBatches(left, (rule) => this.delete(rule));
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

const ofDevices = (devices: readonly string[]): Wanted[] =>
  FAMILIES.flatMap((family) => devices.map((inputDevice) => ({ family, inputDevice, mark: UNMARKED })));

/** Also another daemon's: they stand side by side. */
const isGuard = ({ prohibit }: PolicyRule): boolean => prohibit?.mark.mask === UNMARKED.mask;

/** The same for rules that differ in their place alone. */
const keyOf = (rule: Wanted): string => command('add', { ...rule, priority: 0 });

function byKey(rules: readonly PolicyRule[]): Map<string, ProhibitRule[]> {
  const found = new Map<string, ProhibitRule[]>();
  for (const { prohibit } of rules) {
    if (prohibit === undefined) continue;
    const key = keyOf(prohibit);
    found.set(key, [...(found.get(key) ?? []), prohibit]);
  }
  return found;
}

const command = (verb: 'add' | 'delete', rule: ProhibitRule): string =>
  `${rule.family === 'ip' ? 'ip' : 'ip -6'} rule ${verb} ${ruleText(rule)}`;
