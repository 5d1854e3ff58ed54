import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { before, describe, it } from 'mocha';
import { whyNotOnThisHost } from '../../scripts/lib/demo-host.mjs';
import { root } from '../../scripts/setup.mjs';
import { waitUntil } from '../lab/support/wait.ts';
import { skipBecause } from '../support/skip.ts';

const SETUP_MS = 60_000;
/** What the whole story may take, which waits for keepalives and forgetful routers. */
const STORY_MS = 60_000;

/** What a demo that does not end clean would leave: named namespaces, and folders of its daemons. */
const remains = () => [
  spawnSync('ip', ['netns', 'list'], { encoding: 'utf8' }).stdout,
  readdirSync(tmpdir()).filter((name) => name.startsWith('ipipou-ts-state')),
  readFileSync('/proc/self/mounts', 'utf8')
    .split('\n')
    .filter((line) => line.includes('netns')),
];

/** @param {number} pid @returns {number[]} */
function descendants(pid) {
  const children = spawnSync('pgrep', ['-P', String(pid)], { encoding: 'utf8' })
    .stdout.split('\n')
    .filter(Boolean);
  return children.flatMap((child) => [Number(child), ...descendants(Number(child))]);
}

/** Who is ended with its parent is buried by somebody else, in a moment. @param {readonly number[]} pids */
async function areGone(pids) {
  for (const pid of pids) await waitUntil(() => !existsSync(`/proc/${pid}`), { what: `the end of process ${pid}` });
}

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
  const [code, signal] = /** @type {[number | null, string | null]} */ (await once(demo, 'close'));
  return { code, signal, text };
}

describe('the demo on this host', function () {
  this.timeout(SETUP_MS + STORY_MS);
  before(function () {
    const obstacle = whyNotOnThisHost('auto');
    if (obstacle !== undefined) skipBecause(this, obstacle);
  });

  it('shows a tunnel from start to stop, and leaves nothing', async () => {
    const before = remains();
    const { code, text } = await show([]);
    assert.equal(code, 0, text);
    for (const said of [
      /data plane: (kernel|userspace)/,
      /client authenticated from 10\.9\.2\.1:/,
      /the client noticed by itself, the server followed/,
      /the server's ping had stopped .* and works again/,
      /refused; the tunnel still leads to 10\.9\.2\.99/,
      /was pinged, and answered, by 198\.51\.100\.\d+,/,
      /\d+ pings sent, [1-9]\d* answered/,
      /This was the (kernel|userspace) data plane; the other one: npm run demo -- --data-plane (userspace|kernel)\n/,
      /All of it worked\.\n$/,
    ]) {
      assert.match(text, said);
    }
    assert.deepEqual(remains(), before);
  });

  for (const [signal, code] of /** @type {const} */ ([
    ['SIGINT', 130],
    ['SIGQUIT', 131],
    ['SIGKILL', null],
  ])) {
    it(`leaves nothing either where ${signal} ends it`, async () => {
      const before = remains();
      /** @type {number[]} */
      let processes = [];
      const shown = await show([], (said, demo) => {
        if (processes.length > 0 || !said.includes('the server answered')) return;
        processes = descendants(demo.pid ?? 0);
        demo.kill(signal);
      });
      assert.equal(shown.code, code, shown.text);
      if (code !== null) assert.match(shown.text, new RegExp(`${signal}: cleaning up`));
      // Both daemons, the ping, and who started them.
      assert.ok(processes.length >= 5, shown.text);
      await areGone(processes);
      assert.deepEqual(remains(), before);
    });
  }

  it('leaves nothing either where its reader has had enough', async () => {
    const before = remains();
    const line = 'set -o pipefail; "$@" | grep -q -m 1 "the server answered"';
    const demo = spawn('bash', ['-c', line, 'bash', process.execPath, 'scripts/demo.mjs'], {
      cwd: root,
      stdio: 'inherit',
    });
    assert.deepEqual(await once(demo, 'close'), [128 + constants.signals.SIGPIPE, null]);
    assert.deepEqual(remains(), before);
  });

  it('refuses a data plane that there is not', async () => {
    const { code, text } = await show(['--data-plane', 'pigeons']);
    assert.equal(code, 2);
    assert.match(text, /^usage: npm run demo -- \[--data-plane auto\|kernel\|userspace\]$/m);
  });
});
