/** Draws a report as one SVG: a group of bars for each figure, readable on light and dark ground. */
import { format, type Circumstances, type Figure, type Report, type Row } from './report.js';

const WIDTH = 860;
const LEFT = 230;
const BAR_HEIGHT = 16;
const ROW_HEIGHT = 24;
const TITLE_HEIGHT = 44;
const BAR_ROOM = WIDTH - LEFT - 250;

const STYLE = `
  text { font: 13px system-ui, sans-serif; fill: #24292f; }
  .title { font-weight: 600; }
  .quiet { fill: #6e7781; }
  rect { fill: #8c959f; }
  rect.ours { fill: #0969da; }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3; }
    .quiet { fill: #8b949e; }
    rect { fill: #6e7681; }
    rect.ours { fill: #58a6ff; }
  }`;

export function chart({ circumstances, figures }: Report): string {
  const parts: string[] = [];
  let y = 20;
  for (const figure of figures) {
    parts.push(...group(figure, y));
    y += TITLE_HEIGHT + figure.rows.length * ROW_HEIGHT + (figure.note === undefined ? 0 : ROW_HEIGHT);
  }
  parts.push(text(0, y + 8, where(circumstances), 'quiet'));
  const height = y + 24;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}">`,
    `<style>${STYLE}\n</style>`,
    ...parts,
    '</svg>\n',
  ].join('\n');
}

function group(figure: Figure, top: number): string[] {
  const largest = Math.max(...figure.rows.map(({ median }) => median));
  const head = text(0, top, `${figure.title} (${figure.better} is better)`, 'title');
  const bars = figure.rows.flatMap((row, index) => bar(row, figure.unit, largest, top + 14 + index * ROW_HEIGHT));
  const below = top + 14 + figure.rows.length * ROW_HEIGHT + 12;
  return [head, ...bars, ...(figure.note === undefined ? [] : [text(0, below, figure.note, 'quiet')])];
}

function bar({ name, median, versus }: Row, unit: string, largest: number, top: number): string[] {
  const width = Math.max(1, Math.round((median / largest) * BAR_ROOM));
  const kind = name.startsWith('ours') ? ' class="ours"' : '';
  const ratio = versus === undefined ? '' : `   ${versus.ratio.toFixed(2)} × ${versus.to}`;
  return [
    text(0, top + 13, name),
    `<rect x="${LEFT}" y="${top}" width="${width}" height="${BAR_HEIGHT}" rx="2"${kind}/>`,
    text(LEFT + width + 8, top + 13, `${format(median)} ${unit}${ratio}`, 'quiet'),
  ];
}

const PROCESSOR_WORDS: Readonly<Record<string, string>> = {
  tcg: 'emulated by QEMU',
  icount: 'emulated by QEMU, its time counted in instructions',
  none: 'no virtual machine',
};

const where = ({ date, kernel, processors, accelerator, node }: Circumstances): string =>
  `${date}, Linux ${kernel}, ${processors} processors (${PROCESSOR_WORDS[accelerator] ?? accelerator}), Node ${node}; medians`;

const text = (x: number, y: number, content: string, kind?: string): string =>
  `<text x="${x}" y="${y}"${kind === undefined ? '' : ` class="${kind}"`}>${escape(content)}</text>`;

const escape = (content: string): string =>
  content.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
