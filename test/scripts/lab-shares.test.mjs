import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { describe, it } from 'mocha';
import { filesOf, KERNEL_SHARES } from '../lab/shares.mjs';

const LAB = new URL('../lab/', import.meta.url);

describe('the shares of the kernel suite', () => {
  const files = readdirSync(LAB)
    .filter((name) => name.endsWith('.test.ts'))
    .map((name) => name.replace(/ts$/, 'js'));

  it('have each of its files once, and none is empty', () => {
    const shares = Array.from({ length: KERNEL_SHARES }, (_, index) => filesOf(files, `${index + 1}/${KERNEL_SHARES}`));
    assert.deepEqual(shares.flat().sort(), files.sort());
    for (const share of shares) assert.notEqual(share.length, 0);
  });

  it('are all files in one, where it is not cut', () => {
    assert.deepEqual(filesOf(files, '1/1'), files.toSorted());
  });
});
