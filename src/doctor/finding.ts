/** What one check says about the host. */

export type PlaneName = 'kernel' | 'userspace';

export const PLANES: readonly PlaneName[] = ['kernel', 'userspace'];

/**
 * `ok`: there, and where possible proven; `warn`: works, but look at it; `lack`: missing, or in the way; `skip`: not
 * looked at, and `found` says why.
 */
export type Status = 'ok' | 'warn' | 'lack' | 'skip';

/** Headings of the report, in their order. */
export const SECTIONS = ['Host', 'Kernel plane', 'Userspace plane', 'Network', 'Egress', 'Verdict'] as const;

export type Section = (typeof SECTIONS)[number];

export interface Finding {
  /** Stable, for programs that read the report: lower case, hyphens. */
  readonly id: string;
  readonly section: Section;
  readonly title: string;
  readonly status: Status;
  /** What is there, in one line without a full stop. May hold names that others chose. */
  readonly found: string;
  /** What it means for the tunnel; with every `warn` and `lack`. */
  readonly means?: string;
  /** What to do about it; with every `lack`. */
  readonly remedy?: string;
  /** Planes that can't run because of it. */
  readonly blocks?: readonly PlaneName[];
  /** Planes of which it leaves open whether they run. */
  readonly leavesOpen?: readonly PlaneName[];
}

/** A finding without the part that its check repeats for each of its outcomes. */
export type Judgement = Omit<Finding, 'id' | 'section' | 'title'>;

/** A check: facts to findings, and nothing else. */
export type Check<F> = (facts: F) => readonly Finding[];

/** `finding('fou', 'Kernel plane', 'FOU')(judgement)` */
export const finding =
  (id: string, section: Section, title: string) =>
  (judgement: Judgement): Finding => ({ id, section, title, ...judgement });

export const ok = (found: string): Judgement => ({ status: 'ok', found });

/** Not looked at, and why. */
export const skip = (found: string): Judgement => ({ status: 'skip', found });
