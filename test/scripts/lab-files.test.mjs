import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { filesOf, LONG } from '../lab/files.mjs';

describe('the files of a suite', () => {
  /** @type {string} */
  let folder;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'ipipou-ts-files-'));
    for (const below of ['systemd', 'support']) mkdirSync(join(folder, below));
    const names = [
      'announce.test.js',
      'cycles.test.js',
      'hostile-auth.test.js',
      'cycles.test.js.map',
      'tunnel.test.js',
    ];
    for (const name of [...names, 'systemd/service.test.js', 'support/wait.js']) writeFileSync(join(folder, name), '');
  });

  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  it('are those in the folder of its name, and of the kernel suite those in none', () => {
    assert.deepEqual(filesOf(folder, 'systemd'), ['systemd/service.test.js']);
    assert.equal(filesOf(folder, 'kernel').length, 4);
    assert.deepEqual(filesOf(folder, 'randmap'), []);
  });

  it('are there by the names that are known to take long', () => {
    for (const name of LONG) assert.ok(existsSync(new URL(`../lab/${name}.test.ts`, import.meta.url)), name);
  });

  it('come with those that take longest first, so that no machine waits long for the other', () => {
    assert.deepEqual(filesOf(folder, 'kernel'), [
      'hostile-auth.test.js',
      'cycles.test.js',
      'announce.test.js',
      'tunnel.test.js',
    ]);
  });
});
