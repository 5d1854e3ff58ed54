/** The report as programs read it. What is here stays; more may come. */
import type { Report } from '../judge.js';

/** Raised when something is taken away or gets another meaning. */
const FORMAT = 1;

/** One JSON object on lines of its own: `format`, `chosen`, `fit`, `verdicts`, `findings`. */
export function renderJson({ chosen, fit, verdicts, findings }: Report): string {
  return `${JSON.stringify({ format: FORMAT, chosen, fit, verdicts, findings }, undefined, 2)}\n`;
}
