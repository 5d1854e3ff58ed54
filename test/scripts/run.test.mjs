import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, it } from 'mocha';
import { stream } from '../../scripts/lib/run.mjs';
import { waitUntil } from '../lab/support/wait.ts';

/** @param {number} pid */
const isRunning = (pid) => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

describe('a command whose output is shown', () => {
  it('is judged by its exit code', async () => {
    assert.equal(await stream('sh', ['-c', 'exit 0']), true);
    assert.equal(await stream('sh', ['-c', 'exit 3']), false);
  });

  it('is stopped when its time is over', async () => {
    assert.equal(await stream('sleep', ['600'], { limitMs: 50 }), false);
  });

  it('ends with us, and so does what it started', async () => {
    const program = `
      import { stream } from './scripts/lib/run.mjs';
      await stream('sh', ['-c', 'sleep 600 & echo $!; wait']);
    `;
    const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const [line] = /** @type {[Buffer]} */ (await once(child.stdout, 'data'));
    const grandchild = Number(line.toString());
    assert.ok(isRunning(grandchild));
    child.kill('SIGTERM');
    await once(child, 'exit');
    await waitUntil(() => !isRunning(grandchild), { what: 'the end of what it started' });
  });
});
