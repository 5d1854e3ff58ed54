import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, it } from 'mocha';
import { ChangeWatch, type Part } from '../../../src/dataplane/kernel/change-watch.js';

/** Only what the tests ask for counts: this namespace's events are other people's. */
const NONE: readonly Part[] = [];

describe('the watch over changes', () => {
  let watch: ChangeWatch | undefined;

  afterEach(async () => {
    await watch?.close();
    watch = undefined;
  });

  /** Its looks, each ended by the test; `next` resolves when one begins. */
  function start(errors: unknown[] = []) {
    const looks: { parts: Part[]; end: (error?: Error) => void }[] = [];
    let begun: () => void = () => undefined;
    const opened = ChangeWatch.open({
      table: undefined,
      ipv6: false,
      concerns: () => NONE,
      onError: (error) => errors.push(error),
      onLook: (parts) =>
        new Promise((resolve, reject) => {
          looks.push({
            parts: [...parts].sort(),
            end: (error) => {
              if (error === undefined) resolve();
              else reject(error);
            },
          });
          begun();
        }),
    });
    watch = opened;
    const next = async (): Promise<(typeof looks)[number]> => {
      const had = looks.length;
      if (had === looks.length) await new Promise<void>((resolve) => (begun = resolve));
      return looks[had]!;
    };
    return { opened, looks, next };
  }

  it('takes one look for all that is heard in a burst', async () => {
    const { opened, looks, next } = start();
    const look = next();
    opened.soon(['link']);
    opened.soon(['filter', 'link']);
    opened.soon(['path']);
    assert.equal(looks.length, 0, 'the burst is waited for');
    assert.deepEqual((await look).parts, ['filter', 'link', 'path']);
    (await look).end();
    await opened.close();
    assert.equal(looks.length, 1);
  });

  it('never takes two looks at a time, and none of what is heard meanwhile is lost', async () => {
    const { opened, looks, next } = start();
    const first = next();
    opened.soon(['link'], 0);
    const look = await first;
    opened.soon(['internal'], 0);
    await sleep(100);
    assert.equal(looks.length, 1);
    const second = next();
    look.end();
    assert.deepEqual((await second).parts, ['internal']);
    (await second).end();
  });

  it('takes a look that is asked for sooner than one that is due', async () => {
    const { opened, next } = start();
    const began = next();
    opened.soon(['path'], 3_600_000);
    opened.soon(['link'], 0);
    const look = await began;
    assert.deepEqual(look.parts, ['link', 'path']);
    look.end();
  });

  it('looks at everything now when it is told to, and says when that is done', async () => {
    const { opened, next } = start();
    const began = next();
    let done = false;
    const now = opened.now().then(() => (done = true));
    const look = await began;
    assert.deepEqual(look.parts, ['filter', 'internal', 'link', 'listener', 'path']);
    assert.equal(done, false);
    look.end();
    await now;
    assert.equal(done, true);
  });

  it('reports a look that fails, and takes the next one all the same', async () => {
    const errors: unknown[] = [];
    const { opened, next } = start(errors);
    const first = next();
    opened.soon(['link'], 0);
    const failure = new Error('no such device');
    (await first).end(failure);
    const second = next();
    opened.later('link', 0);
    (await second).end();
    assert.deepEqual(errors, [failure]);
  });

  it('is closed when the look that was under way is over, and takes none after that', async () => {
    const { opened, looks, next } = start();
    const began = next();
    opened.soon(['link'], 0);
    const look = await began;
    opened.later('path', 0);
    let closed = false;
    const closing = opened.close().then(() => (closed = true));
    await sleep(20);
    assert.equal(closed, false);
    look.end();
    await closing;
    opened.soon(['link'], 0);
    await sleep(20);
    assert.equal(looks.length, 1);
  });
});
