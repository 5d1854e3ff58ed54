/** A short loop; `SOAK_STARTS=10000 npm run bench -- soak` makes it a long one. */
import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';
import { after, before, describe, it } from 'mocha';
import { pairTopology, Scope, start, type Namespace } from '../../lab/support/index.js';
import { needsRoot } from '../../support/skip.js';
import { needsBuild } from '../../support/built.js';

const PROGRAM = fileURLToPath(new URL('support/starts-process.ts', import.meta.url));
const STARTS = 40;

describe('a plane in userspace that is started and stopped again and again', function () {
  this.timeout(120_000);
  const scope = new Scope();
  let ns: Namespace;

  before(needsRoot);
  before(needsBuild);
  before(async () => {
    ({ a: ns } = await pairTopology(scope));
  });
  after(() => scope.close());

  it('leaves no thread, no descriptor and no device', async () => {
    const looping = start(scope, ns, [process.execPath, '--import', 'tsx', PROGRAM, String(STARTS)]);
    const [, early] = await looping.waitForLog(/^after 10 starts: (.*)$/m);
    const [, late] = await looping.waitForLog(new RegExp(`^after ${STARTS} starts: (.*)$`, 'm'));
    assert.match(late ?? '', /^\d+ threads, \d+ descriptors$/);
    assert.equal(late, early);
    assert.deepEqual(await looping.exit, { code: 0, signal: null });
    assert.deepEqual(await ns.ipJson('link show type tun'), []);
  });
});
