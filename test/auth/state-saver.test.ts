import assert from 'node:assert/strict';
import { FLUSH_LIMIT_MS, SAVE_INTERVAL_MS, StateSaver } from '../../src/auth/state-saver.js';
import type { SaverOptions } from '../../src/auth/state-saver.js';

/** A clock that moves when it is told to, and a disk that remembers what was written when. */
class Bench {
  nowMs = 0;
  readonly written: [atMs: number, text: string][] = [];
  readonly errors: string[] = [];
  failing = false;
  /** Writes that the disk was not waited for. */
  handedOver = 0;
  readonly #timers = new Map<() => void, number>();

  saver(extra: Partial<SaverOptions<number>> = {}): StateSaver<number> {
    return new StateSaver<number>({
      path: '/state',
      format: (kept, live) => (live === undefined ? String(kept) : `${kept} (${live})`),
      onError: (error, isGone) => this.errors.push(`${error.message}${isGone ? ', no file' : ''}`),
      timers: {
        monotonicMs: () => this.nowMs,
        after: (delayMs, callback) => {
          this.#timers.set(callback, this.nowMs + delayMs);
          return () => this.#timers.delete(callback);
        },
      },
      disk: {
        write: (_path, text, toDisk) => {
          if (this.failing) return Promise.reject(new Error('disk full'));
          this.written.push([this.nowMs, text]);
          if (!toDisk) this.handedOver += 1;
          return Promise.resolve();
        },
        remove: () => {
          this.written.push([this.nowMs, 'gone']);
          return Promise.resolve();
        },
      },
      ...extra,
    });
  }

  async pass(ms: number): Promise<void> {
    await settled();
    this.nowMs += ms;
    for (const [callback, atMs] of [...this.#timers]) {
      if (atMs > this.nowMs) continue;
      this.#timers.delete(callback);
      callback();
    }
    await settled();
  }
}

/** Lets promises that need nothing but their turn come to their end. */
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('auth/state-saver', () => {
  it('writes the first change at once', async () => {
    const bench = new Bench();
    bench.saver().changed(1);
    await settled();
    assert.deepEqual(bench.written, [[0, '1']]);
  });

  it('writes at most once in an interval, and then the last value', async () => {
    const bench = new Bench();
    const saver = bench.saver();
    for (let value = 1; value <= 10; value += 1) {
      saver.changed(value);
      await bench.pass(1000);
    }
    assert.deepEqual(bench.written, [
      [0, '1'],
      [SAVE_INTERVAL_MS, '5'],
      [2 * SAVE_INTERVAL_MS, '10'],
    ]);
  });

  it('writes an urgent change at once', async () => {
    const bench = new Bench();
    const saver = bench.saver();
    saver.changed(1);
    await bench.pass(10);
    saver.changed(2);
    saver.changed(3, true);
    await bench.pass(SAVE_INTERVAL_MS - 20);
    assert.deepEqual(bench.written, [
      [0, '1'],
      [10, '3'],
    ]);
  });

  it('has what was waiting on the disk when flush() resolves, and writes nothing needlessly', async () => {
    const bench = new Bench();
    const saver = bench.saver();
    saver.changed(1);
    await saver.flush();
    saver.changed(2);
    await saver.flush();
    await saver.flush();
    await bench.pass(2 * SAVE_INTERVAL_MS);
    assert.deepEqual(bench.written, [
      [0, '1'],
      [0, '2'],
    ]);
  });

  it('never writes two things at the same time, and skips what is out of date by then', async () => {
    const bench = new Bench();
    const finish: (() => void)[] = [];
    const begun: string[] = [];
    const saver = bench.saver({
      disk: {
        write: (_path, text) => {
          begun.push(text);
          return new Promise((resolve) => finish.push(resolve));
        },
        remove: () => Promise.resolve(),
      },
    });
    for (const value of [1, 2, 3]) {
      saver.changed(value, true);
      if (value === 1) await settled();
    }
    await settled();
    assert.deepEqual(begun, ['1']);
    finish.shift()?.();
    await settled();
    assert.deepEqual(begun, ['1', '3']);
    finish.shift()?.();
    await saver.flush();
    assert.deepEqual(begun, ['1', '3']);
  });

  it('reports a failed write, goes on, and writes when the disk is there again', async () => {
    const bench = new Bench();
    const saver = bench.saver();
    bench.failing = true;
    saver.changed(1);
    await settled();
    // An old file would be worse than none.
    assert.deepEqual(bench.errors, ['disk full, no file']);
    await bench.pass(SAVE_INTERVAL_MS);
    bench.failing = false;
    await bench.pass(SAVE_INTERVAL_MS);
    assert.deepEqual(bench.errors, ['disk full, no file', 'disk full, no file']);
    assert.deepEqual(
      bench.written.map(([, text]) => text),
      ['gone', 'gone', '1'],
    );
  });

  it('waits for no file system that does not answer, and says so', async () => {
    const bench = new Bench();
    const saver = bench.saver({ disk: { write: () => new Promise(() => undefined), remove: () => Promise.resolve() } });
    saver.changed(1);
    let isFlushed = false;
    const flushed = saver.flush().then(() => {
      isFlushed = true;
    });
    await bench.pass(FLUSH_LIMIT_MS - 1);
    assert.equal(isFlushed, false);
    await bench.pass(1);
    await flushed;
    assert.deepEqual(bench.errors, ['no answer from the file system for 5 s']);
  });

  describe('with a stand-in', () => {
    const standIn = { make: (value: number) => value + 100, covers: (kept: number, value: number) => kept >= value };

    it('has at every moment something in the file that covers the last value, and the value itself', async () => {
      const bench = new Bench();
      const saver = bench.saver({ standIn });
      for (let value = 1; value <= 400; value += 1) {
        saver.changed(value);
        await bench.pass(value % 7 === 0 ? 3000 : 1);
        const [, text = ''] = bench.written.at(-1) ?? [];
        const [, kept, live = kept] = /^(\d+)(?: \((\d+)\))?$/.exec(text) ?? [];
        assert.ok(Number(kept) >= value && Number(live) === value, `${text} at ${value}`);
      }
      // The disk is waited for once in an interval, and for a stand-in.
      assert.ok(bench.handedOver > 200, String(bench.handedOver));
    });

    it('ends with the value itself', async () => {
      const bench = new Bench();
      const saver = bench.saver({ standIn });
      for (const value of [1, 2, 3]) saver.changed(value);
      await bench.pass(SAVE_INTERVAL_MS);
      assert.deepEqual(
        bench.written.map(([, text]) => text),
        ['102 (3)', '3'],
      );
    });

    it('is put on the disk also where more changes come before its turn', async () => {
      const disks: boolean[] = [];
      const bench = new Bench();
      const disk = {
        write: (_path: string, _text: string, toDisk: boolean) => {
          disks.push(toDisk);
          return Promise.resolve();
        },
        remove: () => Promise.resolve(),
      };
      const saver = bench.saver({ standIn, disk });
      saver.changed(1);
      await settled();
      for (const value of [2, 3]) saver.changed(value);
      await settled();
      saver.changed(4);
      await settled();
      assert.deepEqual(disks, [true, true, false]);
    });
  });
});
