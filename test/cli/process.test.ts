/** The program as a process of its own: what signals do to it, and what it ends with. */
import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import {
  closeSync,
  constants,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { describeInNamespace, type TestNamespace } from '../support/namespace.js';
import { needsRoot, skipBecause } from '../support/skip.js';

const SETUP = fileURLToPath(new URL('../../scripts/setup.mjs', import.meta.url));
/** The command as it is shipped. */
const MAIN = fileURLToPath(new URL('../../dist/cli/launch.js', import.meta.url));
const TIMEOUT_MS = 100_000;
const POLL_MS = 20;

const CLIENT = ['-c', '-vv', '--no-log-time', '--no-log-pid', '--auth-token', 'x'];

class Program {
  stderr = '';
  private readonly process: ChildProcess;
  private readonly ended: Promise<unknown>;

  /** `around`: a command that runs the one behind it. */
  constructor(argv: readonly string[], around: readonly string[] = []) {
    const [file = '', ...rest] = [...around, process.execPath, MAIN, ...argv];
    this.process = spawn(file, rest, { stdio: ['ignore', 'ignore', 'pipe'] });
    this.process.stderr?.setEncoding('utf8').on('data', (text: string) => (this.stderr += text));
    this.ended = once(this.process, 'close');
  }

  kill(signal: NodeJS.Signals): void {
    this.process.kill(signal);
  }

  /** Does it again and again until it has said that. */
  async until(said: RegExp, again: () => void = () => undefined): Promise<void> {
    while (!said.test(this.stderr)) {
      assert.ok(this.process.exitCode === null && this.process.signalCode === null, this.stderr);
      again();
      await sleep(POLL_MS);
    }
  }

  /** What it ended with. */
  async end(): Promise<{ code: number | null; signal: NodeJS.Signals | null }> {
    await this.ended;
    return { code: this.process.exitCode, signal: this.process.signalCode };
  }

  async destroy(): Promise<void> {
    this.process.kill('SIGKILL');
    await this.ended;
  }
}

describe('the program, as a process', function () {
  this.timeout(TIMEOUT_MS);
  let folder: string;
  const programs: Program[] = [];
  const start = (...args: ConstructorParameters<typeof Program>): Program => {
    const program = new Program(...args);
    programs.push(program);
    return program;
  };

  before(() => {
    execFileSync(process.execPath, [SETUP, 'build'], { stdio: 'pipe' });
    folder = mkdtempSync(join(tmpdir(), 'ipipou-process-'));
  });
  afterEach(async () => {
    for (const program of programs.splice(0)) await program.destroy();
  });
  after(() => {
    rmSync(folder, { recursive: true });
  });

  it('outlives the signals that are none of its business before it is a daemon', async () => {
    const fifo = join(folder, 'conf');
    execFileSync('mkfifo', [fifo]);
    const program = start(['--config', fifo]);
    // It reads its configuration, and waits for the rest of it: long after the first handlers, long before the daemon's.
    const writer = await openForWriting(fifo);
    for (const signal of ['SIGHUP', 'SIGUSR1', 'SIGUSR2'] as const) program.kill(signal);
    writeSync(writer, 'number many\n');
    closeSync(writer);
    assert.deepEqual(await program.end(), { code: 2, signal: null });
    // Nor has SIGUSR1 opened Node.js's debugger to everybody.
    assert.match(program.stderr, /^error: .*:1: number: 'many' is not a whole number.*\n$/);
  });

  it('is no success where what it was to print has found no room; a reader who has had enough is no failure', () => {
    const toFull = spawnSync('sh', ['-c', 'exec "$@" > /dev/full', 'sh', process.execPath, MAIN, '--auth-keygen']);
    assert.equal(toFull.status, 1);
    assert.match(String(toFull.stderr), /^error: the output could not be written: ENOSPC.*\n$/);
    const closed = spawnSync('bash', [
      ...['-c', 'set -o pipefail; (sleep 0.2; exec "$@") | true', 'bash'],
      ...[process.execPath, MAIN, '--help'],
    ]);
    assert.equal(closed.status, 0);
    assert.equal(String(closed.stderr), '');
  });

  it('says which right it lacks, and not that this was unexpected', async function () {
    needsRoot.call(this);
    const program = start(
      [...CLIENT, '-r', '127.0.0.1:1'],
      ['setpriv', '--inh-caps=-all', '--ambient-caps=-all', '--bounding-set=-all'],
    );
    assert.deepEqual(await program.end(), { code: 1, signal: null });
    assert.match(program.stderr, /^FATAL this process lacks CAP_NET_ADMIN and CAP_NET_RAW: .* \(exit code 1: .*right/m);
  });

  describeInNamespace('in a network', (namespace) => {
    let resolv: string;
    before(() => {
      // Nobody is behind the device, and a name server that says nothing is asked for minutes.
      const ns = namespace();
      ns.run('ip', 'link', 'add', 'void', 'type', 'veth', 'peer', 'name', 'end');
      ns.run('ip', 'address', 'add', '192.0.2.1/24', 'dev', 'void');
      for (const device of ['void', 'end']) ns.run('ip', 'link', 'set', device, 'up');
      ns.run('ip', 'neighbour', 'add', '192.0.2.53', 'lladdr', '02:00:00:00:00:53', 'dev', 'void');
      resolv = join(folder, 'resolv.conf');
    });

    /** With this for /etc/resolv.conf. */
    function inside(ns: TestNamespace, nameServer: string): string[] {
      writeFileSync(resolv, nameServer);
      const script = 'mount --bind "$0" /etc/resolv.conf && exec "$@"';
      return ['ip', 'netns', 'exec', ns.name, 'unshare', '-m', 'sh', '-c', script, resolv];
    }
    const SILENT = 'nameserver 192.0.2.53\noptions timeout:30 attempts:5\n';
    const REFUSING = 'nameserver 127.0.0.1\n';

    for (const signal of ['SIGTERM', 'SIGINT', 'SIGALRM'] as const) {
      it(`is stopped by ${signal}, and by no other, while a name is looked up`, async () => {
        const program = start([...CLIENT, '-r', 'server.example.net:1'], inside(namespace(), SILENT));
        for (const harmless of ['SIGHUP', 'SIGUSR1', 'SIGUSR2'] as const) {
          await program.until(new RegExp(`INFO ${harmless} ignored`), () => {
            if (program.stderr !== '') program.kill(harmless);
          });
        }
        program.kill(signal);
        // The resolver would go on for longer than this test may take.
        assert.deepEqual(await program.end(), { code: 0, signal: null });
        assert.match(program.stderr, new RegExp(`INFO ${signal}: stopped before the start was over\n$`));
      });
    }

    it('ends with 51 for a name that has no address', async () => {
      const program = start([...CLIENT, '-r', 'server.example.net:1'], inside(namespace(), REFUSING));
      assert.deepEqual(await program.end(), { code: 51, signal: null });
      assert.match(program.stderr, /^FATAL the name server\.example\.net .* \(exit code 51: .*\)\n$/m);
    });

    it('ends with 120 for an auth packet that has no way', async () => {
      const program = start(
        [...CLIENT, '--reauth-only', '--state-dir', folder, '-r', '198.51.100.1:1'],
        [...inside(namespace(), REFUSING)],
      );
      assert.deepEqual(await program.end(), { code: 120, signal: null });
      assert.match(program.stderr, /^FATAL the auth packet could not be sent: .* \(exit code 120: .*\)\n$/m);
    });

    describe('sends an auth packet all the same where the state file of the client', () => {
      const own = (name: string): string => join(folder, name);
      const reauthenticate = async (state: string): Promise<string> => {
        const key = Buffer.alloc(32, 1).toString('base64');
        const argv = ['-c', '-v', '--no-log-time', '--no-log-pid', '--auth-key-b64', key, '--auth-secret', 'x'];
        const loopback = ['-b', '127.0.0.1', '-r', '127.0.0.1:9', '--reauth-only', '--state-dir', state];
        const program = start([...argv, ...loopback], inside(namespace(), REFUSING));
        assert.deepEqual(await program.end(), { code: 0, signal: null }, program.stderr);
        return program.stderr;
      };

      for (const [what, content, said] of [
        ['is cut short', '{"version":1,"lastS', 'is damaged'],
        ['is from the future', '{"version":1,"lastSigned":9999999999}', 'remembers a time in the future'],
      ] as const) {
        it(what, async () => {
          const state = own(said.replaceAll(' ', '-'));
          mkdirSync(state);
          const file = join(state, 'ipipou0.client.json');
          writeFileSync(file, content);
          const before = Math.floor(Date.now() / 1000);
          assert.match(await reauthenticate(state), new RegExp(`ERROR ${file} ${said}.*: signing by the clock alone`));
          const { lastSigned } = JSON.parse(readFileSync(file, 'utf8')) as { lastSigned: number };
          assert.ok(lastSigned >= before && lastSigned <= Date.now() / 1000, String(lastSigned));
          assert.doesNotMatch(await reauthenticate(state), /signing by the clock/);
        });
      }

      it('cannot be written', async () => {
        writeFileSync(own('no-folder'), '');
        const stderr = await reauthenticate(own('no-folder'));
        assert.match(
          stderr,
          /WARN .*ipipou0\.client\.json cannot be written \(.*correct --state-dir or its permissions/,
        );
      });
    });

    for (const side of ['server', 'client'] as const) {
      it(`ends with 10 as a ${side} where FOU is missing`, async function () {
        if (hasFou()) skipBecause(this, 'it is not missing here');
        const argv = side === 'server' ? ['-s', '--auth-token', 'x', '-vv'] : [...CLIENT, '-r', '192.0.2.2:1'];
        const kernel = ['--data-plane', 'kernel', '--state-dir', folder];
        const program = start([...argv, ...kernel], inside(namespace(), REFUSING));
        assert.deepEqual(await program.end(), { code: 10, signal: null });
        assert.match(
          program.stderr,
          /FATAL the kernel module fou is missing and could not be loaded: .*; run "modprobe fou" as root, .* \(exit code 10: .*\)\n$/,
        );
        assert.doesNotMatch(namespace().run('ip', '-br', 'link'), /ipipou/);
        assert.equal(namespace().run('nft', 'list', 'ruleset'), '');
      });
    }
  });
});

/** Once somebody reads it. */
async function openForWriting(fifo: string): Promise<number> {
  for (;;) {
    try {
      return openSync(fifo, constants.O_WRONLY | constants.O_NONBLOCK);
    } catch (error) {
      assert.ok(error instanceof Error && 'code' in error && error.code === 'ENXIO', String(error));
      await sleep(POLL_MS);
    }
  }
}

/** Whether the kernel has it, or could load it. */
function hasFou(): boolean {
  try {
    execFileSync('modprobe', ['--dry-run', 'fou'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
