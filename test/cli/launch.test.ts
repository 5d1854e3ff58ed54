import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Script } from 'node:vm';

const DIST = fileURLToPath(new URL('../../dist', import.meta.url));

describe('the launcher', () => {
  let folder: string;
  let cache: string;
  const at = (name: string): string => join(folder, 'cli', name);
  const version = (): { status: number | null; stdout: string; stderr: string } => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [at('launch.js'), '--version'], {
      encoding: 'utf8',
    });
    return { status, stdout, stderr };
  };
  const works = (): void => {
    const { version: expected } = JSON.parse(readFileSync(join(DIST, '..', 'package.json'), 'utf8')) as {
      version: string;
    };
    assert.deepEqual(version(), { status: 0, stdout: `${expected}\n`, stderr: '' });
  };

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'ipipou-ts-launch-'));
    cpSync(DIST, folder, { recursive: true });
    cache = at('main.cache');
  });

  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  it('starts from a code cache that this Node.js takes, functions that were not called yet included', () => {
    const filename = at('main.js');
    const cachedData = readFileSync(cache);
    const script = new Script(readFileSync(filename, 'utf8'), { filename, cachedData });
    assert.equal(script.cachedDataRejected, false);
    const lazily = new Script(readFileSync(filename, 'utf8'), { filename }).createCachedData();
    assert.ok(cachedData.length > 3 * lazily.length, `${cachedData.length} bytes, ${lazily.length} without functions`);
    works();
  });

  it('runs what is in the cache, unless another Node.js has made that', () => {
    // V8 takes the cache of another script of the same length, which shows what was run.
    const [script, other] = ['script', 'cached'].map((word) => `(function () { console.log('${word}'); })`);
    writeFileSync(at('main.js'), script!);
    const made = new Script(other!).createCachedData();
    writeFileSync(cache, made);
    const hash = createHash('sha256').update(script!).update(made).digest('hex');
    const launcher = readFileSync(at('launch.js'), 'utf8').replace(/[0-9a-f]{64}/, hash);
    writeFileSync(at('launch.js'), launcher);
    assert.equal(version().stdout, 'cached\n');
    const here = `${process.version} ${process.arch}`;
    assert.ok(launcher.includes(here), launcher);
    for (const elsewhere of [`v20.0.0 ${process.arch}`, `${process.version} riscv64`]) {
      writeFileSync(at('launch.js'), launcher.replace(here, elsewhere));
      assert.equal(version().stdout, 'script\n');
    }
  });

  it('starts without its cache', () => {
    rmSync(cache);
    works();
  });

  it('starts with a cache that is cut short, empty, damaged, or of another build', () => {
    for (const spoil of [
      () => {
        truncateSync(cache, 10_000);
      },
      () => {
        truncateSync(cache, 0);
      },
      () => {
        writeFileSync(cache, new Script('(function () { return 1; })').createCachedData());
      },
      () => {
        const damaged = readFileSync(join(DIST, 'cli', 'main.cache'));
        writeFileSync(cache, damaged.fill(0, damaged.length >> 1));
      },
    ]) {
      spoil();
      works();
    }
  });

  it('says in one line that the program is incomplete', () => {
    rmSync(at('main.js'));
    const { status, stdout, stderr } = version();
    assert.deepEqual([status, stdout], [1, '']);
    assert.match(stderr, /^error: the program is incomplete \(ENOENT: .*main\.js'\): install the package anew\n$/);
  });
});
