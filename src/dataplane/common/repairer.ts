/** Mends what a plan finds lacking, says so once, and gives way to whoever undoes it again and again. */
import type { Logger } from '../../log/index.js';
import { messageOf } from './errors.js';
import { afterRepair, QUIET_PACE, repairWaitMs, type PaceState } from './repair-pace.js';
import { mendAll, type Step } from './step.js';

export type Plan = () => Promise<Step[]>;

export interface RepairerOptions<Part extends string> {
  readonly log: Logger;
  readonly monotonicMs: () => number;
  /** Have the part looked at again. */
  readonly lookAgain: (part: Part, afterMs: number) => void;
}

/** After a repair that failed: something stands in the way, and its end may cause no event. */
const RETRY_MS = 5000;

/** `Part`: what can be looked at and mended by itself. */
export class Repairer<Part extends string> {
  private readonly options: RepairerOptions<Part>;
  private readonly paces = new Map<Part, PaceState>();
  private readonly counts = new Map<Part, number>();
  /** What was said last about a part that can't be mended; not repeated. */
  private readonly complaints = new Map<Part, string>();
  private readonly waiting = new Set<Part>();

  constructor(options: RepairerOptions<Part>) {
    this.options = options;
  }

  /** Repairs made so far, by part. */
  get repairs(): ReadonlyMap<Part, number> {
    return this.counts;
  }

  /** The next repairs come at once, whatever was before. */
  forgive(): void {
    this.paces.clear();
    this.waiting.clear();
  }

  /** Returns whether anything was mended. `by` is said where it is known who made the repair necessary. */
  async look(part: Part, plan: Plan, by: string | undefined): Promise<boolean> {
    const { log, monotonicMs, lookAgain } = this.options;
    try {
      const steps = await plan();
      if (steps.length === 0) {
        this.complaints.delete(part);
        return false;
      }
      const lacks = steps.map(({ lack }) => lack).join('; ');
      const pace = this.paces.get(part) ?? QUIET_PACE;
      const waitMs = repairWaitMs(pace, monotonicMs());
      if (waitMs > 0) {
        if (!this.waiting.has(part)) {
          log.warn(
            `${lacks}${inWords(by)}: undone again and again (${pace.repairs} repairs); the next repair is in ${Math.ceil(waitMs / 1000)} s`,
          );
        }
        this.waiting.add(part);
        lookAgain(part, waitMs);
        return false;
      }
      await mendAll(steps);
      this.waiting.delete(part);
      this.complaints.delete(part);
      this.paces.set(part, afterRepair(pace, monotonicMs()));
      const count = (this.counts.get(part) ?? 0) + 1;
      this.counts.set(part, count);
      const times = count === 1 ? '' : ` (repair ${count} of the ${part})`;
      // No limit but the pace: none of these lines is to be missed.
      log.warn(`repaired: ${lacks}${inWords(by)}${times}`);
      return true;
    } catch (error) {
      const complaint = messageOf(error);
      if (this.complaints.get(part) !== complaint) log.error(`the ${part} could not be repaired: ${complaint}`);
      this.complaints.set(part, complaint);
      lookAgain(part, RETRY_MS);
      return false;
    }
  }
}

const inWords = (by: string | undefined): string => (by === undefined ? '' : `, by ${by}`);
