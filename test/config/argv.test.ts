import assert from 'node:assert/strict';
import fc from 'fast-check';
import { parseArgv } from '../../src/config/argv.js';
import { ConfigError } from '../../src/config/errors.js';
import { specOf, takesValue } from '../../src/config/option-names.js';
import { OPTION_NAMES } from '../../src/config/options.js';

/** The options read, in short: `number=3`, `verbose`. */
function read(...argv: string[]): string[] {
  const { options, fault } = parseArgv(argv);
  assert.equal(fault, undefined);
  return options.map(({ name, value }) => (value === undefined ? name : `${name}=${value}`));
}

function faultOf(...argv: string[]): string {
  const { fault } = parseArgv(argv);
  assert.ok(fault instanceof ConfigError);
  return fault.message;
}

describe('command line', () => {
  it('takes long and short forms, apart and joined', () => {
    assert.deepEqual(read('--number', '3', '--number=4', '-n', '5', '-n6', '-n=7'), [
      'number=3',
      'number=4',
      'number=5',
      'number=6',
      'number=7',
    ]);
  });

  it('takes clusters of short options, the last of them with a value', () => {
    assert.deepEqual(read('-vvv', '-svn0'), ['verbose', 'verbose', 'verbose', 'server', 'verbose', 'number=0']);
  });

  it('completes a beginning that only one option has, with and without a value behind =', () => {
    assert.deepEqual(read('--num', '3', '--keep=27', '--conf', 'srv'), ['number=3', 'keepalive=27', 'config=srv']);
  });

  it('prefers a whole name to longer ones that begin with it', () => {
    assert.deepEqual(read('--fou-local', '@eth0', '--fou-local-ip', '192.0.2.1', '--auth-token=x', '--verb', '2'), [
      'fou-local=@eth0',
      'fou-local-ip=192.0.2.1',
      'auth-token=x',
      'verb=2',
    ]);
  });

  it('names the candidates of an ambiguous beginning', () => {
    assert.equal(faultOf('--no-log'), "'--no-log' is ambiguous; allowed: no-log-time, no-log-pid");
  });

  it('keeps the order and the repetitions', () => {
    assert.deepEqual(read('-c', '-s', '-c'), ['client', 'server', 'client']);
  });

  it('keeps a value whole: equal signs, blanks, emptiness', () => {
    assert.deepEqual(read('--auth-secret=a=b c', '--auth-secret', 'x y ', '--auth-secret=', '--auth-secret', ''), [
      'auth-secret=a=b c',
      'auth-secret=x y ',
      'auth-secret=',
      'auth-secret=',
    ]);
  });

  it('takes a negative number and a lone hyphen as values', () => {
    assert.deepEqual(read('--verb', '-2', '--auth-token', '-.5', '--auth-secret', '-'), [
      'verb=-2',
      'auth-token=-.5',
      'auth-secret=-',
    ]);
  });

  it('takes a value that looks like an option only behind =', () => {
    assert.deepEqual(read('--auth-token=-s'), ['auth-token=-s']);
    assert.equal(faultOf('--auth-token', '-s'), '--auth-token: the value is missing; allowed: text of 1 to 1472 bytes');
    assert.match(faultOf('-n', '--server'), /^--number: the value is missing/);
    assert.match(faultOf('-n', '--'), /^--number: the value is missing/);
  });

  for (const name of OPTION_NAMES.filter(takesValue)) {
    it(`misses the value of --${name} at the end`, () => {
      assert.match(faultOf(`--${name}`), new RegExp(`^--${name}: the value is missing; allowed: .`));
    });
  }

  for (const name of OPTION_NAMES.filter((one) => !takesValue(one))) {
    it(`refuses a value for --${name}`, () => {
      assert.equal(
        faultOf(`--${name}=yes`),
        `--${name}: 'yes' is a value, and the option takes none; allowed: no value`,
      );
    });
  }

  it("leaves the beginnings of ipipou's names to ipipou's options", () => {
    for (const [written, name] of [
      ['--s', 'server'],
      ['--auth-sec=x', 'auth-secret'],
      ['--auth-n', 'auth-none'],
      ['--tunl-m=68', 'tunl-mtu'],
      ['--auth-secret-f=/x', 'auth-secret-file'],
    ] as const) {
      assert.deepEqual(
        parseArgv([written]).options.map((option) => option.name),
        [name],
      );
    }
  });

  for (const unknown of ['--nfq-maximum', '--=x', '---', '-z', '-vz', '-5', '--__proto__', '--no-server', '--Number']) {
    it(`does not know ${unknown}`, () => {
      assert.match(faultOf(unknown), /^'.*' is not an option; allowed: the options that --help lists$/);
    });
  }

  it('refuses positional words, also behind --', () => {
    assert.equal(faultOf('-s', 'up'), "'up' is not expected here; allowed: options only");
    assert.equal(faultOf('-s', '--', '-v'), "'-v' is not expected here; allowed: options only");
    assert.equal(faultOf(''), "'' is not expected here; allowed: options only");
  });

  for (const name of OPTION_NAMES.filter((one) => specOf(one).secret === true)) {
    it(`shows nothing of what was meant for --${name}`, () => {
      for (const words of [
        [`--${name}:sesame=`],
        [`--${name}sesame`],
        [`--${name}-sesame`],
        [`-${name}=sesame`],
        [`--${name}`, 'open', 'sesame', 'street'],
        [`--${name}=open`, '-', 'sesame'],
        [`--${name}=open`, '--', 'sesame'],
        [`--${name}`, '-sesame'],
      ]) {
        const message = faultOf(...words);
        assert.doesNotMatch(message, /sesame|open/, words.join(' '));
        // What the user needs to find the place.
        assert.match(message, /auth-|is not an option/);
      }
    });
  }

  it('says that a word behind a secret wants quotes, and how far a name goes that goes on', () => {
    assert.equal(
      faultOf('--auth-secret', 'open', 'sesame'),
      'the value given (hidden, 6 characters) is not expected behind --auth-secret; allowed: options only, and values with blanks in quotes',
    );
    assert.match(faultOf('--auth-token-b64:QUFB'), /^'--auth-token-b64…' is not an option;/);
    assert.match(faultOf('zMpkxHUO', '-s'), /^'zMpkxHUO' is not expected here/);
    assert.match(faultOf('--zMpkxHUO'), /^'--z…' is not an option;/);
  });

  it('gives what came before the first mistake', () => {
    const { options, fault } = parseArgv(['-h', '--bogus', '-s']);
    assert.deepEqual(
      options.map(({ name }) => name),
      ['help'],
    );
    assert.ok(fault);
  });

  it('reads back any options written with =, in order', () => {
    const given = fc.constantFrom(...OPTION_NAMES).chain((name) =>
      fc.record(
        {
          name: fc.constant(name),
          value: takesValue(name) ? fc.string({ unit: 'binary' }) : fc.constant(undefined),
        },
        { noNullPrototype: true },
      ),
    );
    fc.assert(
      fc.property(fc.array(given), (all) => {
        const { options, fault } = parseArgv(
          all.map(({ name, value }) => (value === undefined ? `--${name}` : `--${name}=${value}`)),
        );
        assert.equal(fault, undefined);
        assert.deepEqual(
          options.map(({ name, value }) => ({ name, value })),
          all,
        );
      }),
    );
  });

  it('gives options or a one-line fault for any words', () => {
    const word = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.string({ unit: fc.constantFrom('-', '=', 'v', 'n', '0', ' ', '\n') }),
      fc.constantFrom(...OPTION_NAMES).map((name) => `--${name}`),
      fc.constantFrom('-b', '-r', '--', '-', '-vvv', '--verb=', '--c'),
    );
    fc.assert(
      fc.property(fc.array(word), (argv) => {
        const { options, fault } = parseArgv(argv);
        for (const { name, value } of options) assert.equal(value !== undefined, takesValue(name));
        if (fault !== undefined) assert.doesNotMatch(fault.message, /[\n\r]/);
      }),
    );
  });
});
