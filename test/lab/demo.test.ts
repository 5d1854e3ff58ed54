import assert from 'node:assert/strict';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, it } from 'mocha';
import { exec } from './support/index.js';

/** Compiled, as this file is. */
const DEMO = join(fileURLToPath(import.meta.url), '..', '..', '..', 'demo', 'main.js');

describe('the demo of the kernel data plane', () => {
  it('shows a tunnel from start to stop, and leaves nothing', async () => {
    const { code, stdout } = await exec([process.execPath, DEMO, '--data-plane', 'kernel'], { mayFail: true });
    assert.equal(code, 0, stdout);
    for (const said of [
      /server: .*data plane: kernel/,
      /the client noticed by itself, the server followed/,
      /the server's ping had stopped .* and works again/,
      /refused; the tunnel still leads to 10\.9\.2\.99/,
      /was pinged, and answered, by 198\.51\.100\.\d+,/,
      /All of it worked\.\n$/,
    ]) {
      assert.match(stdout, said);
    }
    assert.equal((await exec(['ip', 'netns', 'list'])).stdout.includes('lab'), false);
  });
});
