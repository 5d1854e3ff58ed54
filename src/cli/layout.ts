/** How help texts are set. */

export const HELP_WIDTH = 100;
const TEXT_COLUMN = 32;

/** An option and what it does: one line where that fits, else as many as it takes, each ended. */
export function optionText(option: {
  readonly name: string;
  readonly short?: string | undefined;
  readonly metavar?: string | undefined;
  readonly help: string;
}): string {
  const { name, short, metavar, help } = option;
  const shortPart = short === undefined ? '    ' : `-${short}, `;
  const left = `  ${shortPart}--${name}${metavar === undefined ? '' : ` ${metavar}`}`;
  const line = `${`${left} `.padEnd(TEXT_COLUMN - 1)} ${help}`;
  if (line.length <= HELP_WIDTH) return `${line}\n`;
  const indent = ' '.repeat(TEXT_COLUMN);
  const first = left.length + 2 > TEXT_COLUMN ? `${left}\n${indent}` : left.padEnd(TEXT_COLUMN);
  return `${first}${wrap(help, HELP_WIDTH - TEXT_COLUMN).join(`\n${indent}`)}\n`;
}

/** Lines of so many characters at most, broken at blanks. */
export function wrap(text: string, width: number): readonly string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else {
      line = line === '' ? word : `${line} ${word}`;
    }
  }
  return [...lines, line];
}
