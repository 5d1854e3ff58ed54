import assert from 'node:assert/strict';
import { maskSecrets, warnOfExposure } from '../../src/config/exposure.js';
import { gatherOptions } from '../../src/config/gather.js';
import type { RawOption } from '../../src/config/option-names.js';
import { resolve } from '../../src/config/resolve.js';
import { readSecrets, type WithSecrets } from '../../src/config/secret-files.js';

type Files = Readonly<Record<string, string | Buffer>>;

const KEY = Buffer.alloc(32, 1).toString('base64');
const PUBLIC = Buffer.alloc(32, 2).toString('base64');

const reader =
  (files: Files) =>
  (path: string): Uint8Array => {
    const content = files[path];
    if (content === undefined) throw Object.assign(new Error(), { code: 'ENOENT' });
    return Buffer.from(content);
  };
const gathered = (argv: readonly string[], files: Files = {}): readonly RawOption[] =>
  gatherOptions(argv, reader(files));
const read = (argv: readonly string[], files: Files, directory?: string): WithSecrets =>
  readSecrets(gathered(argv, files), reader(files), { CREDENTIALS_DIRECTORY: directory });
const valuesOf = ({ options }: WithSecrets): readonly (readonly [string, string | undefined])[] =>
  options.map(({ name, value }) => [name, value] as const);

describe('files with secrets', () => {
  it('become the option whose value they hold, in their place', () => {
    const files = { '/k': `${KEY}\n${PUBLIC}\n`, '/t': 'tok en\n', '/s': 'open sesame\r\n' };
    const argv = ['--auth-key-file=/k', '-n3', '--auth-token-file', '/t', '--auth-secret-file', '/s'];
    assert.deepEqual(valuesOf(read(argv, files)), [
      ['auth-key-b64', KEY],
      ['number', '3'],
      ['auth-token-b64', Buffer.from('tok en').toString('base64')],
      ['auth-secret', 'open sesame'],
    ]);
  });

  it('give a key from the first line, and of the others all but one line end', () => {
    assert.deepEqual(valuesOf(read(['--auth-key-file', '/k'], { '/k': `${KEY}\r\n\r\n` })), [['auth-key-b64', KEY]]);
    for (const [content, token] of [
      ['a\n\n', 'a\n'],
      ['a', 'a'],
      [' a\r\n', ' a'],
      ['\n\n', '\n'],
    ] as const) {
      const expected = Buffer.from(token).toString('base64');
      assert.deepEqual(valuesOf(read(['--auth-token-file', '/t'], { '/t': content })), [['auth-token-b64', expected]]);
    }
  });

  it('may hold any bytes as a token', () => {
    const token = Buffer.from([0, 255, 10, 0x80]);
    assert.deepEqual(valuesOf(read(['--auth-token-file', '/t'], { '/t': token })), [
      ['auth-token-b64', token.toString('base64')],
    ]);
  });

  it('go before what stands before them, and behind what stands behind', () => {
    const other = Buffer.alloc(32, 9).toString('base64');
    const files = { '/k': KEY };
    const seedOf = (argv: readonly string[]): string | undefined => {
      const resolution = resolve(read(['-c', '-r', '192.0.2.1:1', ...argv], files).options, {});
      assert.ok(resolution.kind === 'client' && resolution.config.auth.kind === 'ed25519');
      return resolution.config.auth.ownKey.seed.toString('base64');
    };
    assert.equal(seedOf(['--auth-key-b64', other, '--auth-key-file', '/k']), KEY);
    assert.equal(seedOf(['--auth-key-file', '/k', '--auth-key-b64', other]), other);
  });

  const refusals: readonly (readonly [string, Files, string])[] = [
    ['--auth-key-file=/none', {}, "--auth-key-file: '/none' cannot be read (ENOENT); allowed: a readable file"],
    [
      `--auth-key-file=${KEY}`,
      {},
      '--auth-key-file: the value given (hidden, 44 characters) cannot be read (ENOENT), and looks like a key; allowed: a readable file; a key itself goes behind --auth-key-b64',
    ],
    ['--auth-token-file=/t', { '/t': '\n' }, '--auth-token-file: in /t: is empty; allowed: 1 to 1472 bytes'],
    [
      '--auth-token-file=/t',
      { '/t': 'x'.repeat(1474) },
      '--auth-token-file: in /t: holds 1474 bytes; allowed: 1 to 1472 bytes',
    ],
    ['--auth-secret-file=/s', { '/s': '' }, '--auth-secret-file: in /s: is empty; allowed: a secret'],
    [
      '--auth-secret-file=/s',
      { '/s': Buffer.from([0xff]) },
      '--auth-secret-file: in /s: is not UTF-8; allowed: UTF-8 text',
    ],
    [
      '--auth-secret-file=/s',
      { '/s': 'x'.repeat(65_537) },
      '--auth-secret-file: in /s: is too long; allowed: a file of 65536 bytes at most',
    ],
    [
      '--config=/c.conf',
      { '/c.conf': '\nauth-key-file /none' },
      "/c.conf:2: auth-key-file: '/none' cannot be read (ENOENT); allowed: a readable file",
    ],
  ];
  for (const [word, files, message] of refusals) {
    it(`are refused in one line: ${message}`, () => {
      assert.throws(() => read([word], files), { name: 'ConfigError', message });
    });
  }

  it('with a wrong key are named, and the key is not shown', () => {
    const { options } = read(['-c', '--auth-key-file', '/k'], { '/k': 'sesame' });
    assert.throws(() => resolve(options, {}), {
      message: /^--auth-key-file: in \/k: the value given \(hidden, 6 characters\) /,
    });
  });
});

describe('credentials', () => {
  const files = { '/cred/auth-key': KEY, '/cred/auth-secret': 'abc\n', '/cred/auth-token': 'tok' };
  const taken = (argv: readonly string[], present: Files = files): readonly string[] =>
    read(argv, { ...present, '/k': KEY, '/t': 'tok', '/s': 'sss' }, '/cred').notes.map(
      (note) => /^credential (\S+): taken/.exec(note)?.[1] ?? note,
    );

  it('are taken where nothing else is given', () => {
    assert.deepEqual(taken(['-c'], { '/cred/auth-key': KEY, '/cred/auth-secret': 'abc' }), ['auth-key', 'auth-secret']);
    assert.deepEqual(taken(['-c'], { '/cred/auth-token': 'tok' }), ['auth-token']);
    assert.deepEqual(taken(['-c'], {}), []);
  });

  it('give way to options that say the same or decide otherwise', () => {
    assert.deepEqual(taken(['--auth-key-file', '/k']), ['auth-secret']);
    assert.deepEqual(taken(['--auth-key-b64', KEY, '--auth-secret-file', '/s']), []);
    assert.deepEqual(taken(['--auth-token', 'x']), []);
    assert.deepEqual(taken(['-s', '--auth-remote-pubkey-b64', PUBLIC]), ['auth-key', 'auth-secret']);
    assert.deepEqual(taken(['-s', '--auth-none']), []);
  });

  it('are not looked for without systemd', () => {
    assert.deepEqual(read(['-c'], files), { options: gathered(['-c']), notes: [] });
    assert.deepEqual(read(['-c'], files, '').notes, []);
  });

  it('that hold nothing fit are refused by their name', () => {
    assert.throws(() => read(['-c'], { '/cred/auth-secret': '' }, '/cred'), {
      message: 'credential auth-secret: is empty; allowed: a secret',
    });
    const { options } = read(['-c'], { '/cred/auth-key': 'x' }, '/cred');
    assert.throws(() => resolve(options, {}), { message: /^credential auth-key: the value given \(hidden, 1 char/ });
  });
});

describe('exposed secrets', () => {
  it('on the command line are warned about once, by the names of their options', () => {
    const argv = ['--auth-secret=a', '--auth-key-b64', KEY, '--auth-secret=b', '--auth-remote-pubkey-b64', PUBLIC];
    const [warning, ...others] = warnOfExposure(gathered(argv), () => 0o600);
    assert.match(warning ?? '', /^--auth-secret, --auth-key-b64 on the command line: /);
    assert.deepEqual(others, []);
  });

  it('in files are warned about where others can read them, each file once', () => {
    const conf = { '/a.conf': 'auth-secret a\nauth-token b\n', '/b.conf': 'number 3\n' };
    const raw = gathered(['--config', '/a.conf', '--config', '/b.conf', '--auth-key-file', '/k'], conf);
    const told = (mode: number | undefined): readonly (string | undefined)[] =>
      warnOfExposure(raw, () => mode).map((line) => /^(\S+): .*\(mode (\d+)\)/.exec(line)?.slice(1, 3).join(' '));
    assert.deepEqual(told(0o100644), ['/a.conf 0644', '/k 0644']);
    assert.deepEqual(told(0o100640), []);
    assert.deepEqual(told(undefined), []);
  });

  it('are masked in the command line that others see, in whichever form they were written', () => {
    const words = ['-c', '--auth-secret', 'x y', '--auth-token=x y', `--auth-key-b64=${KEY}`, '-n3', '--auth-secret='];
    assert.deepEqual(maskSecrets(words, gathered(words)), [
      ...['-c', '--auth-secret', '***', '--auth-token=***', '--auth-key-b64=***', '-n3', '--auth-secret='],
    ]);
  });
});
