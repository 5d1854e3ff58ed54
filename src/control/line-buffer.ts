/** Bytes as they arrive, taken out line by line; what has no line end yet is bounded. */

const LINE_FEED = 0x0a;

export type NextLine =
  /** Without its line end. */
  | { readonly kind: 'line'; readonly text: string }
  | { readonly kind: 'none' }
  /** A line is longer than allowed; what is behind it can't be told apart from it. */
  | { readonly kind: 'too-long' };

export class LineBuffer {
  readonly maxBytes: number;
  private chunks: Buffer[] = [];
  private bytes = 0;

  /** `maxBytes` of a line, its line end included. */
  constructor(maxBytes: number) {
    this.maxBytes = maxBytes;
  }

  push(chunk: Buffer): void {
    this.chunks.push(chunk);
    this.bytes += chunk.length;
  }

  /** `atEnd`: nothing more will come, and the rest is a line of its own. */
  next(atEnd: boolean): NextLine {
    if (this.bytes === 0) return { kind: 'none' };
    const [first = Buffer.alloc(0)] = this.chunks;
    const all = this.chunks.length === 1 ? first : Buffer.concat(this.chunks);
    this.chunks = [all];
    const end = all.indexOf(LINE_FEED);
    const length = end < 0 ? all.length : end + 1;
    if (length > this.maxBytes) return { kind: 'too-long' };
    if (end < 0 && !atEnd) return { kind: 'none' };
    this.chunks = [all.subarray(length)];
    this.bytes -= length;
    return { kind: 'line', text: all.toString('utf8', 0, end < 0 ? length : end) };
  }
}
