import { after } from 'mocha';

/**
 * What a test made and has to be undone, in reverse order, also when the test failed. Undoing goes on after an error;
 * the errors are thrown together at the end.
 */
export class Scope {
  readonly #undo: (() => Promise<unknown> | undefined)[] = [];

  /** Remembers how to undo something just done. */
  defer(undo: () => Promise<unknown> | undefined): void {
    this.#undo.push(undo);
  }

  async close(): Promise<void> {
    const errors: unknown[] = [];
    for (let undo = this.#undo.pop(); undo !== undefined; undo = this.#undo.pop()) {
      try {
        await undo();
      } catch (error) {
        errors.push(error);
      }
    }
    if (errors.length === 1) throw errors[0];
    if (errors.length > 1) throw new AggregateError(errors, 'cleaning up failed');
  }
}

/** A scope that lives as long as the `describe` it is called in. */
export function suiteScope(): Scope {
  const scope = new Scope();
  after('undo what the suite made', () => scope.close());
  return scope;
}
