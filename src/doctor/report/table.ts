/** The report as a person reads it. */
import { oneLine } from '../../config/quote.js';
import { SECTIONS, type Finding, type Status } from '../finding.js';
import type { Report } from '../judge.js';

const INDENT = '  ';
const STATUS_WIDTH = 4;
const GAP = '  ';

/** SGR parameters (ECMA-48). */
const COLOURS: Readonly<Record<Status, string>> = { ok: '32', warn: '33', lack: '31', skip: '2' };

/**
 *     Kernel plane
 *       ok    ipip  a tunnel device can be made
 *       lack  FOU   …
 *             means: …
 *             do:    …
 */
export function renderTable({ findings }: Report, { colour }: { readonly colour: boolean }): string {
  const titleWidth = Math.max(...findings.map(({ title }) => title.length));
  const sections = SECTIONS.flatMap((section) => {
    const rows = findings.filter((one) => one.section === section);
    if (rows.length === 0) return [];
    return [`${section}\n${rows.map((row) => renderRow(row, titleWidth, colour)).join('')}`];
  });
  return sections.join('\n');
}

function renderRow({ status, title, found, means, remedy }: Finding, titleWidth: number, colour: boolean): string {
  const word = status.padEnd(STATUS_WIDTH);
  const shown = colour ? `\u001b[${COLOURS[status]}m${word}\u001b[0m` : word;
  const behind = `${INDENT}${' '.repeat(STATUS_WIDTH)}${GAP}`;
  return [
    `${INDENT}${shown}${GAP}${oneLine(title).padEnd(titleWidth)}${GAP}${oneLine(found)}\n`,
    ...(means === undefined ? [] : [`${behind}means: ${oneLine(means)}\n`]),
    ...(remedy === undefined ? [] : [`${behind}do:    ${oneLine(remedy)}\n`]),
  ].join('');
}
