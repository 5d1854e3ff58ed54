import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));
const PACKAGE = new URL('../../package.json', import.meta.url);

function ipipou(...argv: string[]): { status: number | null; stdout: string; stderr: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--import', 'tsx', MAIN, ...argv], {
    encoding: 'utf8',
  });
  return { status, stdout, stderr };
}

/** Each run compiles the sources anew, on a machine that may be slow. */
const TIMEOUT_MS = 60_000;

describe('the program', () => {
  it('prints the version of its package', () => {
    const { version } = JSON.parse(readFileSync(PACKAGE, 'utf8')) as { version: string };
    assert.deepEqual(ipipou('--version'), { status: 0, stdout: `${version}\n`, stderr: '' });
  }).timeout(TIMEOUT_MS);

  it('makes another key pair each time', () => {
    const [one, two] = [ipipou('--auth-keygen'), ipipou('--auth-keygen')];
    assert.deepEqual([one.status, two.status], [0, 0]);
    assert.match(one.stdout, /^(\S{43}=\n){2}$/);
    assert.notEqual(one.stdout, two.stdout);
  }).timeout(TIMEOUT_MS);

  it('ends with 2 on a mistake, and says it on stderr', () => {
    const { status, stdout, stderr } = ipipou('--config', './no-such.conf');
    assert.deepEqual([status, stdout], [2, '']);
    assert.match(stderr, /^error: --config: '\.\/no-such\.conf' cannot be read \(ENOENT\); allowed: .*\n$/);
  }).timeout(TIMEOUT_MS);
});
