import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { Repairer, type Plan } from '../../../src/dataplane/common/repairer.js';
import { createLogger } from '../../../src/log/index.js';

/** A repairer by a clock of the test's, and what it said and asked for. */
function start() {
  const lines: string[] = [];
  const asked: { part: string; afterMs: number }[] = [];
  const clock = { nowMs: 0 };
  const repairer = new Repairer({
    log: createLogger(
      { verbosity: 3, showTime: false, showPid: false },
      { write: (line) => lines.push(line.trim()), now: () => new Date(0), monotonicMs: () => clock.nowMs, pid: 1 },
    ),
    monotonicMs: () => clock.nowMs,
    lookAgain: (part, afterMs) => asked.push({ part, afterMs }),
  });
  return { repairer, lines, asked, clock };
}

/** A plan with one step for each lack, which notes what it mended. */
const lacking =
  (mended: string[], ...lacks: string[]): Plan =>
  () =>
    Promise.resolve(
      lacks.map((lack) => ({
        lack,
        mend: () => {
          mended.push(lack);
          return Promise.resolve();
        },
      })),
    );

const failing =
  (message: string): Plan =>
  () =>
    Promise.resolve([{ lack: 'the device is gone', mend: () => Promise.reject(new Error(message)) }]);

describe('repairs', () => {
  it('are nothing where nothing is lacking', async () => {
    const { repairer, lines } = start();
    assert.equal(await repairer.look('link', lacking([]), undefined), false);
    assert.deepEqual(lines, []);
    assert.equal(repairer.repairs.size, 0);
  });

  it('mend all that is lacking in order, and say so in one line with who did it', async () => {
    const { repairer, lines } = start();
    const mended: string[] = [];
    assert.equal(await repairer.look('filter', lacking(mended, 'one is gone', 'two is down'), 'nft (process 7)'), true);
    assert.deepEqual(mended, ['one is gone', 'two is down']);
    assert.deepEqual(lines, ['WARN repaired: one is gone; two is down, by nft (process 7)']);
  });

  it('are counted by part', async () => {
    const { repairer, lines } = start();
    for (let time = 0; time < 2; time++) await repairer.look('link', lacking([], 'it is down'), undefined);
    await repairer.look('internal', lacking([], 'it is up'), undefined);
    assert.deepEqual(
      [...repairer.repairs],
      [
        ['link', 2],
        ['internal', 1],
      ],
    );
    assert.equal(lines[1], 'WARN repaired: it is down (repair 2 of the link)');
  });

  it('give way, saying so once, and go on when their time has come', async () => {
    const { repairer, lines, asked, clock } = start();
    const mended: string[] = [];
    const plan = lacking(mended, 'it is down');
    while (asked.length === 0) await repairer.look('link', plan, undefined);
    await repairer.look('link', plan, undefined);
    const repairs = mended.length;
    assert.deepEqual(asked, [
      { part: 'link', afterMs: 1000 },
      { part: 'link', afterMs: 1000 },
    ]);
    assert.equal(lines.filter((line) => line.includes('undone again and again')).length, 1);
    clock.nowMs += 1000;
    await repairer.look('link', plan, undefined);
    assert.equal(mended.length, repairs + 1);
  });

  it('come at once where somebody who proved himself needs them', async () => {
    const { repairer, asked } = start();
    while (asked.length === 0) await repairer.look('link', lacking([], 'it is down'), undefined);
    repairer.forgive();
    assert.equal(await repairer.look('link', lacking([], 'it is down'), undefined), true);
  });

  it('of one part do not wait for those of another', async () => {
    const { repairer, asked } = start();
    while (asked.length === 0) await repairer.look('link', lacking([], 'it is down'), undefined);
    assert.equal(await repairer.look('filter', lacking([], 'it is gone'), undefined), true);
  });

  it('that fail are tried again, and complained of once for each reason', async () => {
    const { repairer, lines, asked } = start();
    for (const message of ['busy', 'busy', 'no room']) await repairer.look('link', failing(message), undefined);
    assert.equal(asked.length, 3);
    assert.deepEqual(lines, [
      'ERROR the link could not be repaired: busy',
      'ERROR the link could not be repaired: no room',
    ]);
    assert.equal(repairer.repairs.size, 0);
    await repairer.look('link', lacking([], 'it is gone'), undefined);
    await repairer.look('link', failing('busy'), undefined);
    assert.equal(lines.at(-1), 'ERROR the link could not be repaired: busy', 'after a success it is news again');
  });
});
