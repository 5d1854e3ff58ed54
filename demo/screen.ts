/**
 * What the demo prints: each step and each thing seen with the seconds since the start, below them what was typed and
 * what the daemons said.
 */
const SECONDS_WIDTH = 6;
const INDENT = ' '.repeat(SECONDS_WIDTH + 5);

type Style = 'bold' | 'dim' | 'green' | 'red' | 'cyan';

/** SGR parameters (ECMA-48, 8.3.117). */
const SGR: Readonly<Record<Style, number>> = { bold: 1, dim: 2, red: 31, green: 32, cyan: 36 };

export interface Screen {
  /** The name of what comes next. */
  title(text: string): void;
  /** Something that was waited for has come true. */
  seen(text: string): void;
  /** A command, as somebody on that host would type it. */
  typed(host: string, command: string): void;
  /** A daemon's log lines, or a command's output. */
  said(host: string, text: string): void;
  /** Words for the reader. */
  note(text: string): void;
  failed(text: string): void;
  plain(text: string): void;
}

/** `now` gives milliseconds; the screen's time starts with its first value. */
export function makeScreen(write: (text: string) => void, colour: boolean, now: () => number): Screen {
  const start = now();
  const paint = (style: Style, text: string): string => (colour ? `\x1b[${SGR[style]}m${text}\x1b[0m` : text);
  const line = (text: string): void => {
    write(`${text}\n`);
  };
  const timed = (mark: string, text: string): void => {
    const seconds = ((now() - start) / 1000).toFixed(1).padStart(SECONDS_WIDTH);
    line(`${paint('dim', `${seconds} s`)} ${mark} ${text}`);
  };
  return {
    title: (text) => {
      line('');
      timed(paint('bold', '▸'), paint('bold', text));
    },
    seen: (text) => {
      timed(paint('green', '✓'), text);
    },
    typed: (host, command) => {
      line(`${INDENT}${paint('cyan', `${host}#`)} ${command}`);
    },
    said: (host, text) => {
      for (const one of text.split('\n').filter((part) => part !== ''))
        line(`${INDENT}${paint('dim', `${host}: ${one}`)}`);
    },
    note: (text) => {
      line(`${INDENT}${text}`);
    },
    failed: (text) => {
      line('');
      timed(paint('red', '✗'), paint('red', text));
    },
    plain: line,
  };
}

/** Colours are for a terminal whose owner has not asked for none (no-color.org). */
export const wantsColour = (stream: { readonly isTTY?: boolean }, environment: NodeJS.ProcessEnv): boolean =>
  stream.isTTY === true && (environment['NO_COLOR'] ?? '') === '' && environment['TERM'] !== 'dumb';
