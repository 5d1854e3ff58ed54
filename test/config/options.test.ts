import assert from 'node:assert/strict';
import { specOf, takesValue } from '../../src/config/option-names.js';
import { GROUPS } from '../../src/config/option-spec.js';
import { OPTION_NAMES, type OptionName } from '../../src/config/options.js';
import { ConfigError } from '../../src/config/errors.js';
import { Values } from '../../src/config/values.js';
import { WRONG } from './wrong-values.js';

const SECRETS: readonly OptionName[] = ['auth-token', 'auth-token-b64', 'auth-key-b64', 'auth-secret'];

describe('option table', () => {
  it('has every short letter once', () => {
    const shorts = OPTION_NAMES.map((name) => specOf(name).short).filter((short) => short !== undefined);
    assert.deepEqual(shorts, [...new Set(shorts)]);
    for (const short of shorts) assert.match(short, /^[a-zA-Z]$/);
  });

  it('keeps the short letters and names of ipipou', () => {
    const shorts = OPTION_NAMES.flatMap((name) =>
      specOf(name).short === undefined ? [] : [`${specOf(name).short} ${name}`],
    );
    assert.deepEqual(shorts.sort(), [
      'b fou-local',
      'c client',
      'h help',
      'n number',
      'q queue-number',
      'r fou-remote',
      's server',
      'v verbose',
    ]);
  });

  it('has names of two lower-case letters or more, since one letter in a file is a short option', () => {
    for (const name of OPTION_NAMES) assert.match(name, /^[a-z][a-z0-9]+(-[a-z0-9]+)*$/);
  });

  for (const name of OPTION_NAMES) {
    const spec = specOf(name);

    it(`says all that is to be said of --${name}`, () => {
      assert.match(spec.help, /^\S.*[^.\s]$/);
      assert.doesNotMatch(spec.help, /\n/);
      assert.ok(GROUPS.includes(spec.group));
      assert.match(spec.since, /^\d+\.\d+\.\d+$/);
      assert.equal(spec.metavar !== undefined, takesValue(name));
      assert.ok(spec.type.allowed.length > 0);
    });

    it(`has a default for --${name} that its own type accepts, if it has one`, () => {
      if (spec.default !== undefined) assert.ok(spec.type.parse(spec.default).ok);
    });
  }

  it('hides keys, tokens and secrets, and nothing else', () => {
    assert.deepEqual(
      OPTION_NAMES.filter((name) => specOf(name).secret === true),
      SECRETS,
    );
  });
});

describe('wrong values', () => {
  it('are tried for every option that takes a value', () => {
    assert.deepEqual(Object.keys(WRONG).sort(), OPTION_NAMES.filter(takesValue).sort());
  });

  for (const name of OPTION_NAMES) {
    for (const [value, problem] of WRONG[name] ?? []) {
      it(`are refused in one line: --${name} ${JSON.stringify(value.slice(0, 20))}`, () => {
        const origin = { kind: 'file', path: '/etc/ipipou/x.conf', line: 3 } as const;
        assert.throws(
          () => new Values([{ name, value, origin }]),
          (error) => {
            assert.ok(error instanceof ConfigError);
            assert.equal(error.option, name);
            assert.equal(error.allowed, specOf(name).type.allowed);
            assert.ok(error.message.startsWith(`/etc/ipipou/x.conf:3: ${name}: `));
            assert.ok(error.message.includes(problem));
            assert.ok(error.message.endsWith(`; allowed: ${specOf(name).type.allowed}`));
            assert.doesNotMatch(error.message, /[\n\r\0]/);
            if (value.length > 1)
              assert.equal(error.message.includes(value), value.length < 60 && isShown(name, value));
            return true;
          },
        );
      });
    }
  }

  it('of secret options are not repeated, only measured', () => {
    for (const name of SECRETS.filter((one) => one !== 'auth-secret')) {
      assert.throws(() => new Values([{ name, value: 'x'.repeat(2001), origin: { kind: 'argv' } }]), {
        message: new RegExp(`^--${name}: the value given \\(hidden, 2001 characters\\) `),
      });
    }
  });

  it('of an occurrence that a later one overrides are refused as well', () => {
    const origin = { kind: 'argv' } as const;
    const raw = [{ name: 'number', value: 'x', origin } as const, { name: 'number', value: '3', origin } as const];
    assert.throws(() => new Values(raw), { message: "--number: 'x' is not a whole number; allowed: 0 to 65535" });
  });
});

/** Control characters are shown escaped, and secrets not at all. */
function isShown(name: OptionName, value: string): boolean {
  return specOf(name).secret !== true && !/\p{Cc}/u.test(value);
}
