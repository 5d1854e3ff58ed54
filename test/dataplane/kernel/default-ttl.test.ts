import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readDefaultTtl } from '../../../src/dataplane/common/default-ttl.js';

describe('dataplane/kernel: default TTL', () => {
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'ttl-'));
  });
  after(() => {
    rmSync(folder, { recursive: true });
  });

  function read(content: string | undefined): { ttl: number; warnings: string[] } {
    const file = join(folder, 'ttl');
    if (content === undefined) rmSync(file, { force: true });
    else writeFileSync(file, content);
    const warnings: string[] = [];
    return { ttl: readDefaultTtl((said) => warnings.push(said), file), warnings };
  }

  it('is what the kernel says', () => {
    for (const ttl of [1, 64, 128, 255]) assert.deepEqual(read(`${ttl}\n`), { ttl, warnings: [] });
  });

  it('is 64 where that says nothing fit, with a warning that names the way out', () => {
    for (const content of ['', 'many\n', '0\n', '256\n', '6.5\n', '-1\n', undefined]) {
      const { ttl, warnings } = read(content);
      assert.equal(ttl, 64);
      assert.equal(warnings.length, 1, content);
      assert.match(warnings[0] ?? '', /\/ttl: .*: 64 is taken; --auth-packet-ttl sets it$/);
    }
  });
});
