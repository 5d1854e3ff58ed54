/**
 * Desired state, reconciled: whoever owns a part of the plane compares what is there with what must be, and says what is
 * lacking and how to mend it. Start and repair carry out the same steps.
 */
export interface Step {
  /** What is not as it must be, in words that stand alone: `the link ipipou0 is gone`. */
  readonly lack: string;
  readonly mend: () => Promise<void>;
}

/** In order; rejects with the first failure. */
export async function mendAll(steps: readonly Step[]): Promise<void> {
  for (const step of steps) await step.mend();
}
