import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, it } from 'mocha';
import { TableUpkeep } from '../../src/daemon/table-upkeep.js';
import { waitUntil } from '../lab/support/wait.js';

interface Tried {
  readonly upkeep: TableUpkeep;
  readonly errors: unknown[];
  readonly looks: () => number;
}

function make(mend: (look: number) => Promise<boolean> = () => Promise.resolve(false)): Tried {
  let looks = 0;
  const errors: unknown[] = [];
  const upkeep = new TableUpkeep({
    mend: () => mend(++looks),
    onError: (error) => {
      errors.push(error);
    },
  });
  return { upkeep, errors, looks: () => looks };
}

describe('upkeep of what others may change too', () => {
  it('does one piece of work at a time, in order, whatever becomes of the one before', async () => {
    const { upkeep } = make();
    const done: string[] = [];
    const work = (name: string, ms: number) => async () => {
      done.push(`${name} begins`);
      await delay(ms);
      done.push(`${name} ends`);
      if (name === 'a') throw new Error('a failed');
    };
    const first = upkeep.inTurn(work('a', 20));
    const second = upkeep.inTurn(work('b', 1));
    await assert.rejects(first, /a failed/);
    await second;
    assert.deepEqual(done, ['a begins', 'a ends', 'b begins', 'b ends']);
  });

  it('looks once for a handful of events, and not beside other work', async () => {
    const { upkeep, looks } = make();
    let isWorking = true;
    void upkeep.inTurn(async () => {
      await delay(150);
      assert.equal(looks(), 0);
      isWorking = false;
    });
    for (let event = 0; event < 5; event++) upkeep.lookSoon();
    await waitUntil(() => looks() > 0, { what: 'a look', everyMs: 5 });
    assert.equal(isWorking, false);
    await delay(100);
    assert.equal(looks(), 1);
  });

  it('looks again where mending failed, and says why', async () => {
    const { upkeep, looks, errors } = make((look) => {
      if (look === 1) throw new Error('not now');
      return Promise.resolve(true);
    });
    upkeep.lookSoon(0);
    await waitUntil(() => looks() === 2, { what: 'a second look', everyMs: 5 });
    assert.deepEqual(errors.map(String), ['Error: not now']);
  });

  it('looks where work failed that nobody waits for', async () => {
    const { upkeep, looks, errors } = make();
    upkeep.start(() => Promise.reject(new Error('lost')));
    await waitUntil(() => looks() === 1, { what: 'a look', everyMs: 5 });
    assert.deepEqual(errors.map(String), ['Error: lost']);
  });

  it('begins no look when it is over, and tells when the last work is done', async () => {
    const { upkeep, looks } = make();
    let isDone = false;
    void upkeep.inTurn(async () => {
      await delay(20);
      isDone = true;
    });
    upkeep.lookSoon(0);
    upkeep.end();
    upkeep.lookSoon(0);
    await upkeep.settled();
    assert.ok(isDone);
    await delay(80);
    assert.equal(looks(), 0);
  });
});
