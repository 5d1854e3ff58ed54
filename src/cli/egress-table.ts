import { formatDuration } from '../egress/duration.js';
import type { EgressReport } from '../egress/report.js';

const GAP = '  ';
const SECOND_MS = 1000;

/**
 *     ipipou0
 *       policy  holds         next   what
 *       1       198.51.100.7  9m58s  rotate addresses=…
 *       2       -             -      masquerade protocols=any
 *       banned        left
 *       198.51.100.9  59m
 *       the server's own, not drawn: 198.51.100.1
 */
export function renderEgress({ device, policies, bans, own }: EgressReport): string {
  const rows = policies.map(({ number, policy, holds, nextMs }) => [
    String(number),
    holds === null ? '-' : holds.length === 0 ? 'none' : holds.join(', '),
    timeOf(nextMs, '-'),
    policy,
  ]);
  const banned = bans.map(({ address, leftMs }) => [address, timeOf(leftMs, 'for good')]);
  return [
    `${device}\n`,
    ...columns([['policy', 'holds', 'next', 'what'], ...rows]),
    ...(banned.length === 0 ? [] : columns([['banned', 'left'], ...banned])),
    ...(own.length === 0 ? [] : [`${GAP}the server's own, not drawn: ${own.join(', ')}\n`]),
  ].join('');
}

/** A report from the daemon as a line about one policy that has nothing left; nothing where all have. */
export const exhausted = ({ policies }: EgressReport): readonly string[] =>
  policies
    .filter(({ available }) => available === '0')
    .map(({ number }) => `policy ${number} has no address left: what it is about does not leave`);

/** To the second, rounded up, so that what is not over is not shown as nothing. */
const timeOf = (milliseconds: number | null, otherwise: string): string =>
  milliseconds === null ? otherwise : formatDuration(Math.ceil(milliseconds / SECOND_MS) * SECOND_MS);

function columns(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) => {
    const cells = row.map((cell, column) => (column === row.length - 1 ? cell : cell.padEnd(widths[column] ?? 0)));
    return `${GAP}${cells.join(GAP)}\n`;
  });
}
