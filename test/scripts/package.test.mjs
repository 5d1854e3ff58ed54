import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { clearInterval, setInterval } from 'node:timers';
import { after, before, describe, it } from 'mocha';
import { root } from '../../scripts/setup.mjs';
import { ask, SOCKET_NAME } from '../../src/control/index.ts';
import { preload } from '../lab/support/preload.ts';
import { waitUntil } from '../lab/support/wait.ts';
import { needsRoot, skipBecause } from '../support/skip.ts';

/** npm, and a start of the program, on a busy machine. */
const TIMEOUT_MS = 60_000;

describe('the packed program', function () {
  this.timeout(TIMEOUT_MS);
  const folder = mkdtempSync(join(tmpdir(), 'ipipou-ts-package-'));
  const unpacked = join(folder, 'package');
  const main = join(unpacked, 'dist', 'cli', 'launch.js');
  /** @param {string} name */
  const json = (name) => JSON.parse(readFileSync(name, 'utf8'));

  before(() => {
    execFileSync(process.execPath, ['scripts/setup.mjs', 'build'], { cwd: root });
    // Scripts would build what has just been built.
    const pack = ['pack', '--ignore-scripts', '--silent', '--pack-destination', folder];
    const name = execFileSync('npm', pack, { cwd: root, encoding: 'utf8' }).trim();
    execFileSync('tar', ['-xzf', join(folder, name), '-C', folder]);
    // What npm would install beside it.
    const { packages } = json(join(root, 'package-lock.json'));
    for (const path of Object.keys(packages)) {
      // What is further down comes with what it is in; of packages for other machines there is nothing.
      const isOurs = /^node_modules\/(@[^/]+\/)?[^/]+$/.test(path) && packages[path].dev !== true;
      if (!isOurs || !existsSync(join(root, path))) continue;
      mkdirSync(dirname(join(unpacked, path)), { recursive: true });
      symlinkSync(join(root, path), join(unpacked, path));
    }
  });
  after(() => {
    rmSync(folder, { recursive: true });
  });

  it('has what the README tells to copy, and no sources', () => {
    for (const name of [
      'systemd/ipipou@.service',
      'systemd/ipipou.target',
      'man/ipipou-ts.8',
      'etc/ipipou',
      'LICENSE',
    ]) {
      assert.ok(existsSync(join(unpacked, name)), name);
    }
    for (const name of ['src', 'test', 'assembly', 'scripts'])
      assert.equal(existsSync(join(unpacked, name)), false, name);
  });

  it('runs without the checkout', () => {
    const said = execFileSync(process.execPath, [main, '--version'], { cwd: folder, encoding: 'utf8' });
    assert.equal(said, `${json(join(root, 'package.json')).version}\n`);
  });

  it('carries a tunnel in userspace, whose thread and packet module come with it, also while its files are replaced', async function () {
    needsRoot.call(this);
    if (!existsSync('/dev/net/tun')) skipBecause(this, 'needs /dev/net/tun');
    const args = ['-s', '-vv', '-b', '127.0.0.1@lo', '--auth-token', 'abc', '--data-plane', 'userspace'];
    const own = ['--state-dir', folder, '--control-dir', folder];
    const command = `ip link set lo up && exec ${process.execPath} ${[main, ...args, ...own].join(' ')}`;
    const server = spawn('unshare', ['--net', 'sh', '-c', command], {
      cwd: folder,
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { ...process.env, ...preload('crashing-loop') },
    });
    let log = '';
    server.stderr.setEncoding('utf8').on('data', (/** @type {string} */ text) => (log += text));
    const ended = new Promise((resolve) => server.on('close', resolve));
    /** @param {string} text */
    const says = (text) => waitUntil(() => log.includes(text) || server.exitCode !== null, { what: text });
    const thread = join(unpacked, 'dist', 'dataplane', 'userspace', 'worker-main.js');
    try {
      await says('server ready');
      // As in an upgrade: the files are gone for a moment, in which the thread crashes.
      renameSync(thread, `${thread}.away`);
      server.kill('SIGWINCH');
      // A thread that waits in the kernel ends when it is woken, as by being asked for its counts.
      const wake = setInterval(() => {
        void ask(join(folder, SOCKET_NAME), 'status');
      }, 100);
      await says('worker-main.js is missing').finally(() => {
        clearInterval(wake);
      });
      renameSync(`${thread}.away`, thread);
      assert.equal(server.exitCode, null, log);
    } finally {
      server.kill();
    }
    assert.equal(await ended, 0, log);
    assert.match(log, /server ready/);
  });
});
