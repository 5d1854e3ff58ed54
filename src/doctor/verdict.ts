/** From the findings to what can run. */
import { finding, PLANES, type Finding, type PlaneName } from './finding.js';

export interface Verdict {
  readonly plane: PlaneName;
  /** `unproven`: nothing speaks against it, but what it needs could not be tried. */
  readonly runs: 'yes' | 'no' | 'unproven';
  /** Ids of the findings that it is so because of. */
  readonly because: readonly string[];
}

/** What the user wants to run: one plane, or the kernel's where it can and else the other. */
export type ChosenPlane = PlaneName | 'auto';

export const judgePlanes = (findings: readonly Finding[]): Verdict[] =>
  PLANES.map((plane) => {
    const blocking = findings.filter(({ blocks }) => blocks?.includes(plane) === true);
    if (blocking.length > 0) return { plane, runs: 'no', because: blocking.map(({ id }) => id) };
    const open = findings.filter(({ leavesOpen }) => leavesOpen?.includes(plane) === true);
    return { plane, runs: open.length > 0 ? 'unproven' : 'yes', because: open.map(({ id }) => id) };
  });

/** Whether a start would get going, as far as this host decides it. */
export const isFit = (chosen: ChosenPlane, verdicts: readonly Verdict[]): boolean =>
  verdicts.some(({ plane, runs }) => runs === 'yes' && (chosen === 'auto' || chosen === plane));

/** The rows of the report that say so. */
export function verdictFindings(
  chosen: ChosenPlane,
  verdicts: readonly Verdict[],
  findings: readonly Finding[],
): Finding[] {
  const titleOf = (id: string): string => findings.find((one) => one.id === id)?.title ?? id;
  return verdicts.map(({ plane, runs, because }) => {
    const here = finding(`${plane}-plane`, 'Verdict', `${plane} plane`);
    const reasons = because.map(titleOf).join(', ');
    if (runs === 'yes') return here({ status: 'ok', found: 'can run' });
    const isWanted = chosen === plane || (chosen === 'auto' && !isFit(chosen, verdicts));
    const found = runs === 'no' ? `cannot run, because of: ${reasons}` : `not proven, because of: ${reasons}`;
    if (!isWanted) return here({ status: 'warn', found, means: 'it is not the one that would be used' });
    return here({
      status: runs === 'no' ? 'lack' : 'warn',
      found,
      means: runs === 'no' ? 'a start would fail' : 'a start may fail',
      remedy: 'see above',
    });
  });
}
