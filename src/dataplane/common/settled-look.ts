/**
 * Has parts looked at once the burst of events that a change is has calmed down, never twice at a time. Nothing is done
 * while nothing is heard.
 */

/** A change comes as a handful of events; the first look is taken when they have calmed down. */
const SETTLE_MS = 50;

export interface SettledLookOptions<Part extends string> {
  /** All there are. */
  readonly parts: readonly Part[];
  readonly onLook: (parts: ReadonlySet<Part>) => Promise<void>;
  readonly onError: (error: unknown) => void;
}

export class SettledLook<Part extends string> {
  private readonly options: SettledLookOptions<Part>;
  private readonly delayed = new Map<Part, NodeJS.Timeout>();
  private pending = new Set<Part>();
  private timer: NodeJS.Timeout | undefined;
  private dueMs = Infinity;
  private looking: Promise<void> | undefined;
  private closed = false;

  constructor(options: SettledLookOptions<Part>) {
    this.options = options;
  }

  /** Looks at these parts, together with whatever else is due by then. */
  soon(parts: readonly Part[], afterMs = SETTLE_MS): void {
    if (this.closed || parts.length === 0) return;
    for (const part of parts) this.pending.add(part);
    const dueMs = performance.now() + afterMs;
    if (this.looking !== undefined || (this.timer !== undefined && this.dueMs <= dueMs)) return;
    clearTimeout(this.timer);
    this.dueMs = dueMs;
    this.timer = setTimeout(() => {
      this.timer = undefined;
      void this.look();
    }, afterMs);
  }

  /** Looks at the part again after a while, whatever is heard until then. */
  later(part: Part, afterMs: number): void {
    if (this.closed) return;
    clearTimeout(this.delayed.get(part));
    const timer = setTimeout(() => {
      this.soon([part], 0);
    }, afterMs);
    this.delayed.set(part, timer.unref());
  }

  /** Looks at everything now, and resolves when that is done. */
  async now(): Promise<void> {
    while (this.looking !== undefined) await this.looking;
    if (this.closed) return;
    clearTimeout(this.timer);
    this.timer = undefined;
    for (const part of this.options.parts) this.pending.add(part);
    await this.look();
  }

  /** Resolves when no look is under way any more. */
  async close(): Promise<void> {
    this.closed = true;
    clearTimeout(this.timer);
    for (const timer of this.delayed.values()) clearTimeout(timer);
    await this.looking;
  }

  private async look(): Promise<void> {
    const { pending } = this;
    this.pending = new Set();
    this.dueMs = Infinity;
    this.looking = this.options
      .onLook(pending)
      .catch((error: unknown) => {
        this.options.onError(error);
      })
      .finally(() => {
        this.looking = undefined;
      });
    await this.looking;
    // What came in meanwhile.
    if (this.pending.size > 0) this.soon([...this.pending]);
  }
}
