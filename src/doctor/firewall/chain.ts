/** What may become of a packet of the tunnel in a chain, with all the chains that it leads to. */
import type { Chain, Rule } from '../../netlink/nftables/index.js';
import type { TableFacts } from './facts.js';
import type { JudgedPacket } from './packet.js';
import { judgeRule, type SetsByName } from './rule.js';

/** Where a packet is stopped or led away, in words: `rule 12 of chain input in table inet filter`. */
export interface Culprit {
  readonly where: string;
  /** What it depends on whether it comes to that; none where it surely does. */
  readonly dependsOn: readonly string[];
  /** Whatever gets this far meets it: not more than getting here is left open. */
  readonly isSure: boolean;
}

export type Fate = 'accept' | 'drop' | 'diverted' | 'queued' | 'unknown' | 'end';

/** Every fate that is possible, with the first sure reason for it, or else the first. `end`: it leaves at the chain's end. */
export type Fates = ReadonlyMap<Fate, Culprit>;

const LOST: Culprit = { where: 'chains that lead into each other', dependsOn: [], isSure: false };

/** Judges the chains of one table. Each is judged once: a chain does the same wherever it is entered from. */
export class ChainJudge {
  private readonly packet: JudgedPacket;
  private readonly table: TableFacts;
  private readonly rules: ReadonlyMap<string, readonly Rule[]>;
  private readonly sets: SetsByName;
  private readonly judged = new Map<string, Fates>();

  constructor(packet: JudgedPacket, table: TableFacts) {
    this.packet = packet;
    this.table = table;
    const rules = new Map<string, Rule[]>();
    for (const rule of table.rules) {
      const before = rules.get(rule.chain);
      if (before === undefined) rules.set(rule.chain, [rule]);
      else before.push(rule);
    }
    this.rules = rules;
    this.sets = new Map(table.sets.map((facts) => [facts.set.name, facts]));
  }

  /** As a packet meets it that comes from the kernel: the policy takes what the rules leave. */
  judgeBase(chain: Chain): Fates {
    const fates = new Map(this.judge(chain.name));
    const end = fates.get('end');
    if (end === undefined) return fates;
    fates.delete('end');
    const fate = chain.base?.policy === 'drop' ? 'drop' : 'accept';
    const where = `the policy of ${this.nameChain(chain.name)}`;
    note(fates, fate, { where, dependsOn: end.dependsOn, isSure: true });
    return fates;
  }

  private judge(name: string): Fates {
    const before = this.judged.get(name);
    if (before !== undefined) return before;
    // The kernel takes no such chains; should a listing show them all the same, it was made while they changed.
    this.judged.set(name, new Map([['unknown', LOST]]));
    const fates = this.follow(name);
    this.judged.set(name, fates);
    return fates;
  }

  private follow(name: string): Fates {
    const fates = new Map<Fate, Culprit>();
    const add = (fate: Fate, culprit: Culprit): void => {
      note(fates, fate, culprit);
    };
    // What the packet's getting this far depends on.
    const soFar = new Set<string>();
    const nowhere = { where: this.nameChain(name), dependsOn: [], isSure: true };
    for (const rule of this.rules.get(name) ?? []) {
      const { matches, verdicts, dependsOn } = judgeRule(this.packet, rule, this.sets);
      if (matches === 'no') continue;
      const isSure = matches === 'yes' && verdicts.length === 1;
      const culprit = { where: this.nameRule(rule), dependsOn: [...new Set([...soFar, ...dependsOn])], isSure };
      let goesOn = matches === 'maybe' || verdicts.length === 0;
      for (const verdict of verdicts) {
        switch (verdict.kind) {
          case 'continue':
            goesOn = true;
            break;
          case 'return':
            add('end', { ...nowhere, dependsOn: culprit.dependsOn });
            break;
          case 'jump':
          case 'goto': {
            const inner = this.judge(verdict.chain);
            for (const [fate, reason] of inner) {
              if (fate === 'end' && verdict.kind === 'jump') goesOn = true;
              else {
                const all = [...new Set([...culprit.dependsOn, ...reason.dependsOn])];
                add(fate, { ...reason, dependsOn: all, isSure: isSure && reason.isSure });
              }
            }
            break;
          }
          default:
            add(verdict.kind, culprit);
        }
      }
      if (!goesOn) return fates;
      // A verdict that may have been given already is what everything behind it depends on.
      if (verdicts.some(({ kind }) => kind !== 'continue')) for (const one of dependsOn) soFar.add(one);
    }
    add('end', { ...nowhere, dependsOn: [...soFar] });
    return fates;
  }

  private nameChain(name: string): string {
    return `chain ${name} in table ${this.table.family} ${this.table.name}`;
  }

  private nameRule(rule: Rule): string {
    const comment = rule.comment === undefined ? '' : ` ("${rule.comment}")`;
    return `the rule with handle ${rule.handle}${comment} of ${this.nameChain(rule.chain)}`;
  }
}

/** A packet that a sure reason stops is not stopped by one that may not be met. */
function note(fates: Map<Fate, Culprit>, fate: Fate, culprit: Culprit): void {
  const before = fates.get(fate);
  if (before === undefined || (culprit.isSure && !before.isSure)) fates.set(fate, culprit);
}
