import assert from 'node:assert/strict';
import { decodePrivateKey, decodePublicKey } from '../../src/auth/index.js';
import { dispatch } from '../../src/cli/dispatch.js';
import type { Report } from '../../src/doctor/index.js';
import type { Runners, Surroundings } from '../../src/cli/surroundings.js';

interface Run {
  readonly code: number;
  readonly out: string;
  readonly err: string;
  readonly log: string;
  /** Which daemon ran, and with which number of tunnel. */
  readonly ran: readonly string[];
  /** The command line that others are shown. */
  readonly masked: readonly string[];
}

const FILES: Readonly<Record<string, string>> = {
  '/tok.conf': 'auth-token x',
  '/etc/ipipou/srv.conf': "server\nnumber 3\nauth-secret it's\n",
  '/etc/ipipou/x.conf': '# comment\nserver\nnumber abc\n',
};
const CLIENT = ['-r', '192.0.2.1:10000', '--config', '/tok.conf', '--no-log-time', '--no-log-pid'];
const TOKEN_WARNING =
  ' WARN /tok.conf:1: auth-token: crosses the wire as it is: whoever sees it can send it again, and take the tunnel\n';
const exposed = (names: string): string =>
  ` WARN ${names} on the command line: other users of this host can read it there; use a configuration file, or --auth-key-file and the like\n`;

const REPORT: Report = {
  chosen: 'kernel',
  fit: false,
  verdicts: [],
  findings: [
    { id: 'fou', section: 'Kernel plane', title: 'FOU', status: 'lack', found: 'none', means: 'm', remedy: 'r' },
  ],
};

async function run(argv: readonly string[], changes: Partial<Surroundings> & Partial<Runners> = {}): Promise<Run> {
  const ran: string[] = [];
  const masked: string[] = [];
  let [out, err, log] = ['', '', ''];
  const code = await dispatch({
    argv,
    environment: {},
    out: (text) => (out += text),
    err: (text) => (err += text),
    colour: false,
    logEdge: { write: (line) => (log += line), now: () => new Date(0), monotonicMs: () => 0, pid: 1 },
    onLogger: () => undefined,
    randomBytes: (length) => Buffer.alloc(length, 7),
    readFile: (path) => {
      const text = FILES[path];
      if (text === undefined) throw Object.assign(new Error(), { code: 'ENOENT' });
      return Buffer.from(text);
    },
    fileMode: () => undefined,
    onCommandLine: (words) => masked.push(...words),
    defaultAddress: (device) => (device === 'eth7' ? '192.0.2.77' : undefined),
    daemons: { find: () => assert.fail('looked for daemons'), ask: () => assert.fail('asked a daemon') },
    runners: {
      server: (config) => Promise.resolve(ran.push(`server ${config.number}`)),
      client: (config) => Promise.resolve(ran.push(`client ${config.number}`)),
      reauth: (config) => Promise.resolve(ran.push(`reauth ${config.number}`)),
      doctor: ({ resolution, given }) => {
        ran.push(`doctor ${resolution.mode} ${resolution.tunnel.number}${given ? '' : ' bare'}`);
        return Promise.resolve(REPORT);
      },
      ...changes,
    },
    ...changes,
  });
  return { code, out, err, log, ran, masked };
}

describe('commands that print', () => {
  it('print help and succeed', async () => {
    for (const argv of [['-h'], ['--help', '-s', '--bogus'], ['-vh']]) {
      const { code, out, err } = await run(argv);
      assert.deepEqual([code, err], [0, '']);
      assert.match(out, /^usage: ipipou-ts /);
    }
  });

  it('print the version of the package and succeed', async () => {
    const { code, out, err } = await run(['--version']);
    assert.deepEqual([code, err], [0, '']);
    assert.match(out, /^\d+\.\d+\.\d+\n$/);
  });

  it('print a key pair that belongs together, in either mode and before other checks', async () => {
    for (const argv of [['--auth-keygen'], ['-s', '--auth-keygen', '--reauth-only']]) {
      const { code, out, err } = await run(argv);
      assert.deepEqual([code, err], [0, '']);
      const [seed, publicKey, ...rest] = out.split('\n');
      assert.deepEqual(rest, ['']);
      const [pair, published] = [decodePrivateKey(seed ?? ''), decodePublicKey(publicKey ?? '')];
      assert.ok(pair.ok && published.ok && pair.value.publicKey.raw.equals(published.value.raw));
    }
  });

  it('label the keys from verbosity 1', async () => {
    const { out } = await run(['--auth-keygen', '-v']);
    assert.match(out, /^private .*ed25519.*32 bytes.*\npublic .*ed25519.*32 bytes.*\n$/);
    assert.equal((await run(['--auth-keygen', '-v', '--verb=-1'])).out, (await run(['--auth-keygen'])).out);
  });

  it('refuse key types that there are not', async () => {
    const { code, err } = await run(['--auth-keygen', '--auth-key-type', 'rsa']);
    assert.equal(code, 2);
    assert.equal(err, `error: --auth-key-type: 'rsa' is none of the choices; allowed: ed25519\n`);
  });
});

describe('commands that run', () => {
  it('hand the configuration over and return what the daemon returns', async () => {
    const { masked, ...rest } = await run([...CLIENT, '-n5', '--auth-token=mine']);
    assert.deepEqual(rest, { code: 1, out: '', err: '', log: '', ran: ['client 5'] });
    assert.deepEqual(masked.slice(-2), ['-n5', '--auth-token=***']);
    assert.deepEqual((await run([...CLIENT, '--reauth-only'])).ran, ['reauth 0']);
    assert.deepEqual((await run([...CLIENT, '-s'])).ran, ['server 0']);
    assert.equal((await run(CLIENT, { client: () => Promise.resolve(200) })).code, 200);
  });

  it('log the warnings, where the verbosity shows them', async () => {
    assert.equal(
      (await run([...CLIENT, '-v', '--reply-on-auth-ok'])).log,
      ` WARN --reply-on-auth-ok: has no effect on a client\n${TOKEN_WARNING}`,
    );
    assert.equal((await run([...CLIENT, '--reply-on-auth-ok'])).log, '');
  });

  it('say in one line what ended them, with the exit code', async () => {
    const failing = () =>
      Promise.reject(Object.assign(new Error('link ipipou0', { cause: new Error('EEXIST') }), { exitCode: 52 }));
    const { code, err, log } = await run([...CLIENT, '-vvv'], { client: failing });
    assert.deepEqual([code, err], [52, '']);
    assert.equal(
      log,
      `${TOKEN_WARNING}FATAL link ipipou0: EEXIST (exit code 52: the tunnel device could not be set up)\n`,
    );
  });

  it('show the stack at full verbosity', async () => {
    const { log, code } = await run([...CLIENT, '-vvvv'], { client: () => Promise.reject(new TypeError('oops')) });
    assert.equal(code, 1);
    assert.match(
      log.slice(TOKEN_WARNING.length),
      /^FATAL oops \(exit code 1: a right that the process lacks, or an unexpected error\)\nDEBUG TypeError: oops\nDEBUG {5}at /,
    );
  });

  it('say what went wrong before there was a log', async () => {
    const { code, err } = await run(['--auth-keygen'], {
      randomBytes: () => {
        throw new Error('no entropy');
      },
    });
    assert.deepEqual(
      [code, err],
      [1, 'error: no entropy (exit code 1: a right that the process lacks, or an unexpected error)\n'],
    );
  });

  it('tell of their log', async () => {
    let told = false;
    await run(CLIENT, {
      onLogger: () => {
        told = true;
      },
    });
    assert.ok(told);
  });
});

describe('randmap', () => {
  it('has a help and options of its own', async () => {
    const { code, out, ran } = await run(['randmap', '--help']);
    assert.deepEqual([code, ran], [0, []]);
    assert.match(out, /^usage: ipipou-ts randmap add /);
    const { err } = await run(['randmap', 'add', 'OUTPUT', '--number', '1']);
    assert.match(err, /^error: '--number'[^\n]+; allowed: [^\n]+\n$/);
  });
});

describe('the doctor', () => {
  it('is given what there is of a configuration, and needs none', async () => {
    assert.deepEqual((await run(['doctor'])).ran, ['doctor client 0 bare']);
    assert.deepEqual((await run(['doctor', '-s', '-v'])).ran, ['doctor server 0 bare']);
    assert.deepEqual((await run(['doctor', ...CLIENT, '-n5'])).ran, ['doctor client 5']);
    assert.deepEqual((await run(['doctor', '--config', 'srv'])).ran, ['doctor server 3']);
  });

  it('ends with 60 where the plane cannot run, with 0 where it can', async () => {
    assert.equal((await run(['doctor'])).code, 60);
    assert.equal((await run(['doctor'], { doctor: () => Promise.resolve({ ...REPORT, fit: true }) })).code, 0);
  });

  it('prints a table, or JSON', async () => {
    const { out } = await run(['doctor']);
    assert.equal(out, 'Kernel plane\n  lack  FOU  none\n        means: m\n        do:    r\n');
    assert.deepEqual(JSON.parse((await run(['doctor', '--json'])).out), { format: 1, ...REPORT });
  });

  it('hides secrets from other users as the daemons do', async () => {
    const { masked } = await run(['doctor', '--auth-token=mine']);
    assert.deepEqual(masked, ['doctor', '--auth-token=***']);
  });

  it('reads the policies of a file as a start does', async () => {
    const policies = '{"AllowUnknown": true}';
    const ask = (text: string) =>
      run(['doctor', '-s', '--egress-policy', '/p.json'], { readFile: () => Buffer.from(text) });
    const { code, err } = await ask('{');
    assert.equal(code, 2);
    assert.match(err, /^error: \/p\.json:1: egress-policy: [^\n]+\n$/);
    assert.deepEqual((await ask(policies)).ran, ['doctor server 0']);
  });

  it('gives way to --help', async () => {
    const { code, out, ran } = await run(['doctor', '--help']);
    assert.deepEqual([code, ran], [0, []]);
    assert.match(out, /^usage: /);
  });
});

describe('secrets that stand elsewhere', () => {
  const KEY = Buffer.alloc(32, 5).toString('base64');
  const world = (files: Readonly<Record<string, string>>, modes: Readonly<Record<string, number>> = {}) => ({
    readFile: (path: string) => {
      const text = files[path];
      if (text === undefined) throw Object.assign(new Error(), { code: 'ENOENT' });
      return Buffer.from(text);
    },
    fileMode: (path: string) => modes[path],
    environment: { CREDENTIALS_DIRECTORY: '/cred' },
  });
  const ASKED = ['-r', '192.0.2.1:10000', '-vv', '--no-log-time', '--no-log-pid'];

  it('are taken from the credentials where nothing else is given, and that is said', async () => {
    const files = { '/cred/auth-key': `${KEY}\n`, '/cred/auth-secret': 'a secret' };
    const { log, ran } = await run(ASKED, world(files));
    assert.deepEqual(ran, ['client 0']);
    assert.equal(
      log,
      ' INFO credential auth-key: taken for --auth-key-b64\n INFO credential auth-secret: taken for --auth-secret\n',
    );
  });

  it('are warned about where other users can read the file', async () => {
    const files = { '/k': KEY, '/s.conf': 'auth-secret abc\n' };
    const modes = { '/k': 0o100640, '/s.conf': 0o100644 };
    const { log } = await run([...ASKED, '--auth-key-file', '/k', '--config', '/s.conf'], world(files, modes));
    assert.equal(log, ' WARN /s.conf: holds a secret, and every user can read it (mode 0644); chmod o= /s.conf\n');
    const open = await run([...ASKED, '--auth-key-file', '/k', '--config', '/s.conf'], world(files, { '/k': 0o644 }));
    assert.equal(open.log, ' WARN /k: holds a secret, and every user can read it (mode 0644); chmod o= /k\n');
  });

  it('end the start in one line where they cannot be read', async () => {
    const { code, err } = await run([...ASKED, '--auth-key-file', '/absent'], world({}));
    assert.deepEqual(
      [code, err],
      [2, `error: --auth-key-file: '/absent' cannot be read (ENOENT); allowed: a readable file\n`],
    );
  });
});

describe('mistakes', () => {
  for (const [argv, message] of [
    [['--bogus'], "'--bogus' is not an option; allowed: the options that --help lists"],
    [['-n', 'abc'], "--number: 'abc' is not a whole number; allowed: 0 to 65535"],
    [['--config', 'x'], "/etc/ipipou/x.conf:3: number: 'abc' is not a whole number; allowed: 0 to 65535"],
    [['doctor', '--reauth-only'], '--reauth-only: is another command than doctor; allowed: one of the two'],
    [['doctor', '-n', 'abc'], "--number: 'abc' is not a whole number; allowed: 0 to 65535"],
    [['-s', 'doctor'], "'doctor' is not expected here; allowed: options only"],
    [['--json'], '--json: needs a command that prints JSON; allowed: with doctor'],
    [['randmap', 'move'], "'move' is nothing that randmap does; allowed: add, show, delete, flush"],
    [['-s', '--reauth-only'], '--reauth-only: a server has nobody to authenticate to; allowed: with -c'],
  ] as const) {
    it(`end with one line and 2: ${argv.join(' ')}`, async () => {
      const { code, out, err, ran } = await run(argv);
      assert.deepEqual([code, out, ran], [2, '', []]);
      assert.equal(err, `error: ${message}\n`);
    });
  }
});

describe('server that nobody is kept out of', () => {
  it('does not start, and shows the two commands of one with a fresh key pair', async () => {
    const { code, out, err, ran } = await run(['--config', 'srv', '-b', '@eth7', '--auth-lifetime', '20']);
    assert.deepEqual([code, ran], [2, []]);
    assert.match(err, /^error: nothing says whom this server lets in; allowed: .*--auth-none/);
    const seed = Buffer.alloc(32, 7).toString('base64');
    const pair = decodePrivateKey(seed);
    assert.ok(pair.ok);
    assert.deepEqual(out.split('\n'), [
      'ipipou-ts --config srv -b @eth7 --auth-lifetime 20 ' +
        `--auth-remote-pubkey-b64 ${pair.value.publicKey.raw.toString('base64')}`,
      `ipipou-ts -c -n 3 -r 192.0.2.77:10003 --auth-key-b64 ${seed} '--auth-secret=it'\\''s' ` +
        '--tunl-ip 172.28.0.7 --keepalive 10',
      '',
    ]);
  });

  it('shows commands that work: both sides resolve, without a warning but for the secret', async () => {
    const words = (line: string | undefined): string[] => (line ?? '').split(' ').slice(1);
    const own = Buffer.alloc(32, 9).toString('base64');
    const asked = ['-s', '-v', '-b', '192.0.2.5:7', '--tunl-ip', '10.0.0.1', '--tunl-peer-ip', '10.0.0.9'];
    const { out } = await run([...asked, '--reply-on-auth-ok', '--auth-key-b64', own]);
    const [server, client] = out.split('\n');
    const quiet = ['--no-log-time', '--no-log-pid'];
    const [asServer, asClient] = [
      await run([...words(server), ...quiet]),
      await run([...words(client), '-v', ...quiet]),
    ];
    assert.deepEqual([asServer.ran, asClient.ran], [['server 0'], ['client 0']]);
    const known = ' WARN --auth-secret: the default is in use, which everyone knows; choose your own\n';
    const clientKnown = `${known}${exposed('--auth-key-b64')}`;
    assert.deepEqual([asServer.log, asClient.log], [clientKnown, clientKnown]);
    assert.match(
      client ?? '',
      / -r 192\.0\.2\.5:7 .* --tunl-ip 10\.0\.0\.9 --tunl-peer-ip 10\.0\.0\.1 --keepalive 27$/,
    );
  });

  it('leaves a place for an address that cannot be guessed', async () => {
    assert.match((await run(['-s'])).out, / -r SERVER_ADDRESS:10000 /);
  });
});
