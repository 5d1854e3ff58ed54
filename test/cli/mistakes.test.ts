import assert from 'node:assert/strict';
import { generateKeyPair } from '../../src/auth/index.js';
import { dispatch } from '../../src/cli/dispatch.js';
import { OPTION_NAMES, specOf, type OptionName } from '../../src/config/index.js';
import { takesValue } from '../../src/config/option-names.js';
import { WRONG } from '../config/wrong-values.js';

const CONF = '/etc/ipipou/x.conf';
const OWN = generateKeyPair(Buffer.alloc(32, 1));
const KEY = `--auth-key-b64=${OWN.seed.toString('base64')}`;
const OWN_PUBLIC = `--auth-remote-pubkey-b64=${OWN.publicKey.raw.toString('base64')}`;
const REMOTE = ['-r', '192.0.2.1:10000'];

/** The one line that the command line, or a file, ends in. */
async function mistake(argv: readonly string[], conf?: string): Promise<string> {
  let [out, err, log] = ['', '', ''];
  const runs = (): Promise<number> => assert.fail(`started all the same: ${argv.join(' ')} ${conf ?? ''}`);
  const code = await dispatch({
    argv: conf === undefined ? argv : ['--config', CONF, ...argv],
    environment: {},
    out: (text) => (out += text),
    err: (text) => (err += text),
    colour: false,
    logEdge: { write: (line) => (log += line), now: () => new Date(0), monotonicMs: () => 0, pid: 1 },
    onLogger: () => undefined,
    randomBytes: (length) => Buffer.alloc(length, 7),
    readFile: (path) => {
      if (path === CONF && conf !== undefined) return Buffer.from(conf);
      throw Object.assign(new Error(), { code: 'ENOENT' });
    },
    fileMode: () => undefined,
    onCommandLine: () => undefined,
    defaultAddress: () => undefined,
    daemons: { find: () => assert.fail('looked for daemons'), ask: () => assert.fail('asked a daemon') },
    runners: { server: runs, client: runs, reauth: runs, doctor: () => assert.fail('examined') },
  });
  assert.deepEqual([code, out, log], [2, '', '']);
  assert.ok(err.startsWith(`error: `), err);
  const line = err.slice('error: '.length);
  assert.match(line, /^[^\n]+; allowed: [^\n]+\n$/);
  return line.slice(0, -1);
}

const VALUED = OPTION_NAMES.filter(takesValue);
/** End the program by printing something, and can't be wrong in a way that matters. */
const PRINTERS: readonly OptionName[] = ['help', 'version'];
const FLAGS = OPTION_NAMES.filter((name) => !takesValue(name) && !PRINTERS.includes(name));
/** A file cannot name another one, which is said before its value is looked at. */
const IN_FILES = (name: OptionName): boolean => name !== 'config';
/** What a line of a file can hold as it is: blanks around a value don't count there. */
const fitsLine = (value: string): boolean => value.trim() === value && !value.includes('\n');

describe('mistakes in any option, on the command line and in a file', () => {
  for (const name of VALUED) {
    const { allowed } = specOf(name).type;

    it(`--${name}: a value that is missing is named with what is allowed`, async () => {
      assert.equal(await mistake([`--${name}`]), `--${name}: the value is missing; allowed: ${allowed}`);
      assert.equal(await mistake([`--${name}`, '-c']), `--${name}: the value is missing; allowed: ${allowed}`);
      if (!IN_FILES(name)) return;
      assert.equal(await mistake([], `\n${name}\n`), `${CONF}:2: ${name}: the value is missing; allowed: ${allowed}`);
    });

    it(`--${name}: empty, mistyped and out of range are refused by value and allowed range`, async () => {
      for (const [value, problem] of WRONG[name] ?? []) {
        const said = await mistake(['-c', ...REMOTE, `--${name}=${value}`]);
        assert.ok(
          said.startsWith(`--${name}: `) && said.includes(problem) && said.endsWith(`; allowed: ${allowed}`),
          said,
        );
        if (!fitsLine(value) || !IN_FILES(name)) continue;
        const inFile = await mistake(['-c', ...REMOTE], `# first\n${name}=${value}`);
        assert.equal(inFile, said.replace(`--${name}: `, `${CONF}:2: ${name}: `));
      }
    });
  }

  for (const name of FLAGS) {
    it(`--${name}: a value it does not take is refused`, async () => {
      const said = "'yes' is a value, and the option takes none; allowed: no value";
      assert.equal(await mistake([`--${name}=yes`]), `--${name}: ${said}`);
      assert.equal(await mistake([], `${name} yes`), `${CONF}:1: ${name}: ${said}`);
    });
  }
});

/** Options that contradict something, and what is said then. Of all others the last one counts, or both hold. */
const CONTRADICTIONS: readonly (readonly [argv: readonly string[], message: string])[] = [
  [['-s', '--reauth-only'], '--reauth-only: a server has nobody to authenticate to; allowed: with -c'],
  [
    ['-s', '--auth-by-remote-ip'],
    '--auth-by-remote-ip: needs a remote address to compare with; allowed: together with --fou-remote HOST or --fou-remote-ip IP',
  ],
  [
    ['-s', '--auth-by-remote-port'],
    '--auth-by-remote-port: needs a remote port to compare with; allowed: together with --fou-remote :PORT or --fou-remote-port PORT',
  ],
  ...['--auth-token=x', '--auth-token-b64=eA==', OWN_PUBLIC].map((other): readonly [readonly string[], string] => [
    ['-s', '--auth-none', other],
    `--auth-none: contradicts ${other.replace(/=.*/, '')}; allowed: one of the two`,
  ]),
  [['-c', ...REMOTE, '--auth-none', KEY], '--auth-none: contradicts --auth-key-b64; allowed: one of the two'],
  [
    ['-c', ...REMOTE, KEY, OWN_PUBLIC],
    `--auth-remote-pubkey-b64: '${OWN.publicKey.raw.toString('base64')}' is the public key of this side's own --auth-key-b64; allowed: the other side's public key`,
  ],
  [
    ['-c', ...REMOTE, '-n', '60000'],
    "--number: '60000' gives port 70000, which does not exist; allowed: 0 to 55535, or any number together with --fou-local-port",
  ],
  [
    ['-c', ...REMOTE, '--tunl-ip', '10.0.0.1', '--tunl-peer-ip', '10.0.0.1'],
    "--tunl-peer-ip: '10.0.0.1' is this side's own address in the tunnel; allowed: another address",
  ],
  [
    ['-s', '--auth-none', '--tunl-ip', '223.255.255.255'],
    "--tunl-ip: '223.255.255.255' leaves no address beside it for the other side; allowed: another address, or --tunl-peer-ip besides",
  ],
  [
    ['-s', '--auth-none', '--fou-local-ip-alt', '172.28.0.0'],
    "--fou-local-ip-alt: '172.28.0.0' is an address in the tunnel as well; allowed: an address of its own",
  ],
  [
    ['-c', ...REMOTE, '--fou-dev', 't', '--tunl-dev', 't'],
    "--tunl-dev: 't' is the outer device as well; allowed: another name",
  ],
  [
    ['-c'],
    '--fou-remote-ip: a client needs the address of its server; allowed: --fou-remote HOST:PORT, or --fou-remote-ip besides',
  ],
  [
    ['-c', '-r', 'host'],
    "--fou-remote: 'host' names no port; allowed: --fou-remote HOST:PORT, or --fou-remote-port besides",
  ],
];

describe('options that contradict each other', () => {
  for (const [argv, message] of CONTRADICTIONS) {
    it(`are refused in one line: ${message.slice(0, 60)}`, async () => {
      assert.equal(await mistake(argv), message);
    });
  }
});
