import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'mocha';
import { Refusals } from '../../src/daemon/refusals.js';
import { createLogger } from '../../src/log/index.js';

const FROM = { address: '192.0.2.7', port: 4000 };

describe('refusals', () => {
  let lines: string[];
  let nowMs: number;
  let refusals: Refusals;

  beforeEach(() => {
    lines = [];
    nowMs = 0;
    const edge = {
      write: (line: string) => lines.push(line.trimEnd()),
      now: () => new Date(0),
      monotonicMs: () => nowMs,
      pid: 1,
    };
    refusals = new Refusals(createLogger({ verbosity: 3, showTime: false, showPid: false }, edge));
  });

  it('are logged once a second for each reason, however many come', () => {
    for (let packet = 0; packet < 5000; packet++) {
      nowMs = packet;
      refusals.count('signature', FROM);
      refusals.count('length', FROM);
    }
    assert.equal(lines.length, 2 * 5);
    assert.match(lines[0] ?? '', /refused a packet from 192\.0\.2\.7:4000: signature$/);
    assert.match(lines[2] ?? '', /: signature \(and 999 more like it, held back\)$/);
  });

  it('say of a time what may be wrong with it', () => {
    refusals.count('older', FROM);
    refusals.count('clock', FROM);
    assert.match(lines[0] ?? '', /: older \(.*clock behind\?\)/);
    assert.match(lines[1] ?? '', /: clock \(.*clocks wrong\?\)/);
  });

  it('are summed up by reason, also those that were held back', () => {
    for (let packet = 0; packet < 300; packet++) refusals.count('signature', FROM);
    refusals.count('replayed', FROM);
    refusals.sum();
    assert.match(lines.at(-1) ?? '', /packets refused since the start: 1 replayed, 300 signature$/);
  });

  it('are summed up with what came to no decision', () => {
    refusals.count('signature', FROM);
    refusals.add('"inner packet of a stranger"', 40);
    refusals.add('unread', 2);
    refusals.add('unread', 3);
    refusals.sum();
    const sums = /packets refused since the start: (.*)$/.exec(lines.at(-1) ?? '')?.[1]?.split(', ');
    assert.deepEqual(sums?.sort(), ['1 signature', '40 "inner packet of a stranger"', '5 unread']);
  });

  it('are not mentioned where there were none', () => {
    refusals.sum();
    assert.deepEqual(lines, []);
  });
});
