/**
 * The mark by which we know our own again: the alias of links and the comment of the table. It names the tunnel, since
 * two daemons must not take over each other's, and the outer port, since a FOU listener can't carry a mark itself.
 */
export interface Mark {
  /** The tunnel's number (`--number`). */
  readonly number: number;
  readonly port: number;
}

const MARK = /^ipipou-ts tunnel (\d{1,5}) port (\d{1,5})$/;

export const formatMark = ({ number, port }: Mark): string => `ipipou-ts tunnel ${number} port ${port}`;

export function parseMark(text: string | undefined): Mark | undefined {
  const match = MARK.exec(text ?? '');
  return match === null ? undefined : { number: Number(match[1]), port: Number(match[2]) };
}
