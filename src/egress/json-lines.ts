/**
 * JSON (RFC 8259) with the line of every value, for messages that say where something is wrong. Total, and bounded in
 * depth, so that no text can exhaust the stack.
 */

export interface JsonNode {
  /** Counts from 1. */
  readonly line: number;
  readonly value: JsonNodeValue;
}

export type JsonNodeValue = string | number | boolean | null | readonly JsonNode[] | ReadonlyMap<string, JsonNode>;

export type JsonResult =
  | { readonly ok: true; readonly node: JsonNode }
  | { readonly ok: false; readonly line: number; readonly problem: string };

const DEPTH_MAX = 32;

/** Of a key that comes twice the last one counts, as with `JSON.parse`. */
export function parseJson(text: string): JsonResult {
  const reader = new Reader(text);
  try {
    return { ok: true, node: reader.whole() };
  } catch (error) {
    if (error instanceof JsonFault) return { ok: false, line: reader.line, problem: error.message };
    throw error;
  }
}

class JsonFault extends Error {}

class Reader {
  line = 1;
  private readonly text: string;
  private at = 0;

  constructor(text: string) {
    this.text = text;
  }

  whole(): JsonNode {
    const node = this.value(0);
    this.skipBlanks();
    if (this.at < this.text.length) throw new JsonFault('has something behind its end');
    return node;
  }

  private value(depth: number): JsonNode {
    if (depth > DEPTH_MAX) throw new JsonFault(`is nested deeper than ${DEPTH_MAX}`);
    this.skipBlanks();
    const { line } = this;
    const next = this.text[this.at];
    if (next === undefined) throw new JsonFault('ends too early');
    if (next === '{') return { line, value: this.object(depth) };
    if (next === '[') return { line, value: this.array(depth) };
    if (next === '"') return { line, value: this.string() };
    return { line, value: this.literal() };
  }

  private object(depth: number): ReadonlyMap<string, JsonNode> {
    const members = new Map<string, JsonNode>();
    this.at += 1;
    if (this.take('}')) return members;
    do {
      this.skipBlanks();
      if (this.text[this.at] !== '"') throw new JsonFault('lacks a name in quotes');
      const name = this.string();
      if (!this.take(':')) throw new JsonFault(`lacks ':' behind a name`);
      members.set(name, this.value(depth + 1));
    } while (this.take(','));
    if (!this.take('}')) throw new JsonFault(`lacks ',' or '}'`);
    return members;
  }

  private array(depth: number): readonly JsonNode[] {
    const items: JsonNode[] = [];
    this.at += 1;
    if (this.take(']')) return items;
    do items.push(this.value(depth + 1));
    while (this.take(','));
    if (!this.take(']')) throw new JsonFault(`lacks ',' or ']'`);
    return items;
  }

  private string(): string {
    const start = this.at;
    this.at += 1;
    for (;;) {
      const next = this.text[this.at];
      if (next === undefined || next < ' ') throw new JsonFault('has a string without end');
      this.at += next === '\\' ? 2 : 1;
      if (next === '"') break;
    }
    const parsed = this.natively(this.text.slice(start, this.at));
    return typeof parsed === 'string' ? parsed : '';
  }

  private literal(): string | number | boolean | null {
    const start = this.at;
    while (/[-+.\w]/.test(this.text[this.at] ?? '')) this.at += 1;
    if (this.at === start) throw new JsonFault('is not JSON');
    const parsed = this.natively(this.text.slice(start, this.at));
    return typeof parsed === 'object' ? null : (parsed as string | number | boolean);
  }

  /** What is left to `JSON.parse`: one string, number or word, with no line end in it. */
  private natively(token: string): unknown {
    try {
      return JSON.parse(token);
    } catch {
      throw new JsonFault('is not JSON');
    }
  }

  private take(sign: string): boolean {
    this.skipBlanks();
    if (this.text[this.at] !== sign) return false;
    this.at += 1;
    return true;
  }

  private skipBlanks(): void {
    for (;;) {
      const next = this.text[this.at];
      if (next === '\n') this.line += 1;
      else if (next !== ' ' && next !== '\t' && next !== '\r') return;
      this.at += 1;
    }
  }
}
