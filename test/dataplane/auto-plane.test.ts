import assert from 'node:assert/strict';
import { AutoPlane } from '../../src/dataplane/auto-plane.js';
import { PlaneError, UnsupportedError } from '../../src/dataplane/common/errors.js';
import type { DataPlane } from '../../src/dataplane/index.js';
import { createLogger } from '../../src/log/index.js';

/** A plane that starts, or fails to, and notes what it is asked for. */
function plane(name: string, asked: string[], failure?: Error): DataPlane {
  const note = (what: string): Promise<void> => {
    asked.push(`${name} ${what}`);
    return Promise.resolve();
  };
  return {
    start: async () => {
      await note('start');
      if (failure !== undefined) throw failure;
      return [];
    },
    point: () => note('point'),
    refresh: () => note('refresh'),
    sendAuth: () => void note('sendAuth'),
    dropped: async () => {
      await note('dropped');
      return new Map([[name, 1]]);
    },
    stop: () => note('stop'),
  };
}

function choose(...failures: (Error | undefined)[]) {
  const asked: string[] = [];
  const lines: string[] = [];
  const log = createLogger(
    { verbosity: 3, showTime: false, showPid: false },
    { write: (line) => lines.push(line.trim()), now: () => new Date(0), monotonicMs: () => 0, pid: 1 },
  );
  const choices = failures.map((failure, index) => {
    const name = ['kernel', 'userspace', 'open'][index] ?? 'more';
    return { name, make: () => plane(name, asked, failure) };
  });
  return { auto: new AutoPlane(choices, log), asked, lines };
}

const LACKING = new UnsupportedError('module', 'there is no fou');

describe('choice of the data plane', () => {
  it('is the first that can run, and no other is tried', async () => {
    const { auto, asked, lines } = choose(undefined, undefined);
    await auto.start();
    assert.deepEqual(asked, ['kernel start']);
    assert.deepEqual(lines, ['INFO data plane: kernel']);
  });

  it('goes on to the next where the kernel lacks something, and says what', async () => {
    const { auto, asked, lines } = choose(LACKING, undefined);
    await auto.start();
    assert.deepEqual(lines, ['INFO data plane: userspace, since there is no fou']);
    const endpoint = { address: '192.0.2.1', port: 1 };
    await auto.point('peer', endpoint);
    await auto.refresh('peer', endpoint);
    auto.sendAuth(endpoint, Buffer.alloc(0));
    assert.deepEqual(await auto.dropped(), new Map([['userspace', 1]]));
    await auto.stop();
    const later = ['point', 'refresh', 'sendAuth', 'dropped', 'stop'].map((what) => `userspace ${what}`);
    assert.deepEqual(asked, ['kernel start', 'userspace start', ...later]);
  });

  it('ends where the user has something to mend', async () => {
    const taken = new PlaneError('listener', 'the port is taken');
    const { auto, asked } = choose(taken, undefined);
    await assert.rejects(auto.start(), taken);
    assert.deepEqual(asked, ['kernel start']);
  });

  it('gives all reasons where none can run', async () => {
    const { auto } = choose(LACKING, new UnsupportedError('module', 'there is no TUN'));
    await assert.rejects(auto.start(), /no data plane can run here: there is no fou; there is no TUN/);
  });

  it('leaves a plane that was asked for alone to speak for itself', async () => {
    await assert.rejects(choose(LACKING).auto.start(), LACKING);
  });
});
