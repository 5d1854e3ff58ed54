import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeFolder } from '../../src/sys/make-folder.js';

describe('a folder that is made', () => {
  let root: string;
  before(() => {
    root = mkdtempSync(join(tmpdir(), 'ipipou-ts-folder-'));
  });
  after(() => {
    rmSync(root, { recursive: true });
  });

  it('comes with those above it, all of its mode, and is left alone where it is there', async () => {
    const path = join(root, 'a', 'b', 'c');
    assert.equal(await makeFolder(path, 0o700), true);
    for (const folder of [path, join(root, 'a')]) assert.equal(statSync(folder).mode & 0o777, 0o700);
    assert.equal(await makeFolder(path, 0o755), false);
    assert.equal(statSync(path).mode & 0o777, 0o700);
    symlinkSync(path, join(root, 'link'));
    assert.equal(await makeFolder(join(root, 'link'), 0o755), false);
  });

  it('is refused where something else has its name, or that of one above it', async () => {
    writeFileSync(join(root, 'file'), '');
    await assert.rejects(makeFolder(join(root, 'file'), 0o700), { code: 'EEXIST' });
    await assert.rejects(makeFolder(join(root, 'file', 'below'), 0o700), { code: 'ENOTDIR' });
    symlinkSync(join(root, 'nowhere'), join(root, 'dangling'));
    await assert.rejects(makeFolder(join(root, 'dangling'), 0o700), { code: 'ENOENT' });
  });

  it('is refused at once where the file system takes none', async () => {
    for (const path of ['/proc/nope', '/proc/nope/below/that', '/proc/self/task/nope']) {
      await assert.rejects(makeFolder(path, 0o700), { code: 'ENOENT' }, path);
    }
  });
});
