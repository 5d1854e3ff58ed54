import type { Level } from './levels.js';

export interface LineParts {
  readonly level: Level;
  /** Absent: not shown. */
  readonly time?: Date;
  readonly pid?: number;
}

/** `2024-05-06T07:08:09.010 1234  INFO message`: local time, and the level right-aligned to five. */
export function formatLine(parts: LineParts, message: string): string {
  const time = parts.time === undefined ? '' : `${formatTime(parts.time)} `;
  const pid = parts.pid === undefined ? '' : `${parts.pid} `;
  return `${time}${pid}${parts.level.padStart(5)} ${escapeControls(message)}`;
}

function formatTime(time: Date): string {
  const two = (value: number): string => String(value).padStart(2, '0');
  const date = `${String(time.getFullYear()).padStart(4, '0')}-${two(time.getMonth() + 1)}-${two(time.getDate())}`;
  const clock = `${two(time.getHours())}:${two(time.getMinutes())}:${two(time.getSeconds())}`;
  return `${date}T${clock}.${String(time.getMilliseconds()).padStart(3, '0')}`;
}

/** A peer's or a file's bytes must not move the cursor of whoever reads the log. */
function escapeControls(message: string): string {
  return message.replace(/\p{Cc}/gu, (control) => `\\x${control.charCodeAt(0).toString(16).padStart(2, '0')}`);
}
