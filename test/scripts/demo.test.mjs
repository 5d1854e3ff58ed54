import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { before, describe, it } from 'mocha';
import { whyNotOnThisHost } from '../../scripts/lib/demo-host.mjs';
import { root } from '../../scripts/setup.mjs';
import { waitUntil } from '../lab/support/wait.ts';
import { skipBecause } from '../support/skip.ts';

const SETUP_MS = 60_000;
/** What the whole story may take, which waits for keepalives and forgetful routers. */
const STORY_MS = 60_000;

const namespaces = () => spawnSync('ip', ['netns', 'list'], { encoding: 'utf8' }).stdout;

/**
 * Starts the demo, and tells of what it has printed so far.
 * @param {readonly string[]} args
 * @param {(text: string, demo: import('node:child_process').ChildProcess) => void} [onText]
 */
async function show(args, onText = () => undefined) {
  const demo = spawn(process.execPath, ['scripts/demo.mjs', ...args], { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
  let text = '';
  for (const stream of [demo.stdout, demo.stderr]) {
    stream.setEncoding('utf8').on('data', (/** @type {string} */ chunk) => {
      text += chunk;
      onText(text, demo);
    });
  }
  const [code] = /** @type {[number | null]} */ (await once(demo, 'close'));
  return { code, text };
}

describe('the demo on this host', function () {
  this.timeout(SETUP_MS + STORY_MS);
  before(function () {
    const obstacle = whyNotOnThisHost('auto');
    if (obstacle !== undefined) skipBecause(this, obstacle);
  });

  it('shows a tunnel from start to stop, and leaves nothing', async () => {
    const before = namespaces();
    const { code, text } = await show([]);
    assert.equal(code, 0, text);
    for (const said of [
      /client authenticated from 10\.9\.2\.1:/,
      /the client noticed by itself, the server followed/,
      /the server's ping had stopped .* and works again/,
      /refused; the tunnel still leads to 10\.9\.2\.99/,
      /was pinged, and answered, by 198\.51\.100\.\d+,/,
      /\d+ pings sent, [1-9]\d* answered/,
      /All of it worked\.\n$/,
    ]) {
      assert.match(text, said);
    }
    assert.equal(namespaces(), before);
  });

  it('leaves nothing either where it is interrupted', async () => {
    const before = namespaces();
    /** @type {number[]} */
    const daemons = [];
    const { code, text } = await show([], (said, demo) => {
      if (daemons.length > 0 || !said.includes('the server answered')) return;
      const children = spawnSync('pgrep', ['-P', String(demo.pid)], { encoding: 'utf8' }).stdout;
      daemons.push(...children.split('\n').filter(Boolean).map(Number));
      demo.kill('SIGINT');
    });
    assert.equal(code, 130, text);
    assert.match(text, /SIGINT: cleaning up/);
    assert.ok(daemons.length >= 2, text);
    // Who is ended with its parent is buried by somebody else, in a moment.
    for (const pid of daemons)
      await waitUntil(() => !existsSync(`/proc/${pid}`), { what: `the end of process ${pid}` });
    assert.equal(namespaces(), before);
  });

  it('refuses a data plane that there is not', async () => {
    const { code, text } = await show(['--data-plane', 'pigeons']);
    assert.equal(code, 2);
    assert.match(text, /^usage: npm run demo -- \[--data-plane auto\|kernel\|userspace\]$/m);
  });
});
