import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gatherOptions, readBounded } from '../../src/config/gather.js';

const FILES: Readonly<Record<string, string>> = {
  '/etc/ipipou/a.conf': 'server\nnumber 1\n',
  '/etc/ipipou/b.conf': 'number 2\n',
  './wrong.conf': 'server\nnumber\n',
};

function readFile(path: string): Uint8Array {
  const text = FILES[path];
  if (text === undefined) throw Object.assign(new Error('no such file'), { code: 'ENOENT' });
  return Buffer.from(text);
}

function read(...argv: string[]): string[] {
  return gatherOptions(argv, readFile).map(({ name, value }) => (value === undefined ? name : `${name}=${value}`));
}

describe('configuration files on the command line', () => {
  it('come before the command line, in their own order', () => {
    assert.deepEqual(read('-n9', '--config', 'b', '--config=a', '-v'), [
      'number=2',
      'server',
      'number=1',
      'number=9',
      'config=b',
      'config=a',
      'verbose',
    ]);
  });

  it('are refused by file and line', () => {
    assert.throws(() => read('--config', './wrong.conf'), {
      message: './wrong.conf:2: number: the value is missing; allowed: 0 to 65535',
    });
  });

  it('must be there', () => {
    assert.throws(() => read('--config', 'c'), {
      message:
        "--config: '/etc/ipipou/c.conf' cannot be read (ENOENT); " +
        'allowed: a readable file; NAME stands for /etc/ipipou/NAME.conf',
    });
    assert.throws(() => read('--config'), { message: /^--config: the value is missing/ });
    assert.throws(() => read('--config='), { message: /^--config: '' is empty/ });
  });

  describe('that may not be read', () => {
    const CREDENTIAL = '/cred/home.conf';
    const denying = (files: Readonly<Record<string, string>>) => (path: string) => {
      const text = files[path];
      if (text !== undefined) return Buffer.from(text);
      const code = path === '/etc/ipipou/home.conf' || path.startsWith('/root') ? 'EACCES' : 'ENOENT';
      throw Object.assign(new Error(), { code });
    };
    const gather = (files: Readonly<Record<string, string>>, name = 'home', directory: string | undefined = '/cred') =>
      gatherOptions(['--config', name], denying(files), { CREDENTIALS_DIRECTORY: directory });

    it('are taken from the credential of that name, and named as the file', () => {
      const [option] = gather({ [CREDENTIAL]: '\nnumber 3' });
      assert.deepEqual(option, {
        name: 'number',
        value: '3',
        origin: { kind: 'file', path: '/etc/ipipou/home.conf', line: 2 },
      });
      assert.throws(() => gather({ [CREDENTIAL]: 'x' }), { message: /^\/etc\/ipipou\/home\.conf:1: / });
    });

    it('go before it where they can be', () => {
      const files = { [CREDENTIAL]: 'number 3', '/etc/ipipou/home.conf': 'number 4' };
      assert.equal(gather(files)[0]?.value, '4');
    });

    it('are refused where there is none, or none is meant', () => {
      const message = /'\/etc\/ipipou\/home\.conf' cannot be read \(EACCES\)/;
      assert.throws(() => gather({}), { message });
      assert.throws(() => gather({ [CREDENTIAL]: '' }, 'home', ''), { message });
      assert.throws(() => gather({ '/cred/root/home.conf': '' }, '/root/home.conf'), { message: /\(EACCES\)/ });
      assert.throws(() => gather({ '/cred/away.conf': '' }, 'away'), { message: /\(ENOENT\)/ });
    });
  });

  it('are not read where only help or the version is wanted', () => {
    assert.deepEqual(read('--config', 'c', '-h'), ['config=c', 'help']);
    assert.deepEqual(read('--version', '--bogus'), ['version']);
  });

  it('do not hide a mistake that comes before -h', () => {
    assert.throws(() => read('--bogus', '-h'), { message: /^'--bogus' is not an option/ });
  });

  it('are refused when they are longer than any configuration', () => {
    assert.throws(() => gatherOptions(['--config=/dev/zero'], readBounded), {
      message: "--config: '/dev/zero' is too long; allowed: a file of 262144 bytes at most",
    });
  });
});

describe('reading a file', () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'gather-'));
  });
  afterEach(() => {
    rmSync(directory, { recursive: true });
  });

  it('gives its bytes, up to the bound', () => {
    const path = join(directory, 'x.conf');
    writeFileSync(path, 'number 3');
    assert.equal(Buffer.from(readBounded(path, 100)).toString(), 'number 3');
    assert.equal(Buffer.from(readBounded(path, 3)).toString(), 'num');
  });

  it('says what is wrong with a directory', () => {
    assert.throws(() => gatherOptions([`--config=${directory}`], readBounded), {
      message: /cannot be read \(EISDIR\)/,
    });
  });
});
