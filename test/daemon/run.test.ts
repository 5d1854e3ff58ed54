import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { orStopped, runUntilStopped, StartAborted } from '../../src/daemon/run.js';
import { createLogger } from '../../src/log/index.js';

const log = createLogger({ verbosity: -3, showTime: false, showPid: false });
const never = new Promise<never>(() => undefined);

/** As the service manager or Ctrl-C would. */
const signal = (): void => {
  process.emit('SIGTERM');
};

describe('the life of a daemon', () => {
  it('ends with 0 by a signal, after its stop', async () => {
    const done: string[] = [];
    const code = await runUntilStopped(log, {
      start: () =>
        Promise.resolve({
          stop: () => {
            done.push('stop');
            return Promise.resolve();
          },
        }),
      onStarted: () => {
        done.push('up');
        setImmediate(signal);
      },
    });
    assert.equal(code, 0);
    assert.deepEqual(done, ['up', 'stop']);
  });

  it('ends with 0 by a signal in the middle of a name that is looked up', async () => {
    setImmediate(signal);
    const start = (_: unknown, stopped: AbortSignal): Promise<never> => orStopped(never, stopped);
    assert.equal(await runUntilStopped(log, { start }), 0);
  });

  it('is brought up first, and then down, by a signal in the middle of what has to be removed', async () => {
    let stopped = 0;
    const start = async () => {
      signal();
      await new Promise(setImmediate);
      return {
        stop: () => {
          stopped += 1;
          return Promise.resolve();
        },
      };
    };
    assert.equal(await runUntilStopped(log, { start }), 0);
    assert.equal(stopped, 1);
  });

  it('ends with what its start or its stop failed by, and hands the signals back', async () => {
    const listeners = process.listenerCount('SIGTERM');
    const failure = new Error('no such device');
    await assert.rejects(runUntilStopped(log, { start: () => Promise.reject(failure) }), failure);
    const daemon = { stop: () => Promise.reject(failure) };
    const stopping = runUntilStopped(log, {
      start: () => Promise.resolve(daemon),
      onStarted: () => {
        setImmediate(signal);
      },
    });
    await assert.rejects(stopping, failure);
    assert.equal(process.listenerCount('SIGTERM'), listeners);
  });

  it('gives what is awaited where no stop comes', async () => {
    const { signal: unstopped } = new AbortController();
    assert.equal(await orStopped(Promise.resolve(7), unstopped), 7);
    await assert.rejects(orStopped(Promise.reject(new RangeError('x')), unstopped), RangeError);
    await assert.rejects(orStopped(Promise.resolve(7), AbortSignal.abort()), StartAborted);
  });
});
