import assert from 'node:assert/strict';
import fc from 'fast-check';
import { confPath, parseConfFile } from '../../src/config/conf-file.js';
import { CONF_FILE_MAX_BYTES } from '../../src/config/constants.js';
import { specOf, takesValue } from '../../src/config/option-names.js';
import { OPTION_NAMES } from '../../src/config/options.js';

const PATH = '/etc/ipipou/x.conf';

/** The options of a text, in short, with their lines: `1 number=3`. */
function read(text: string | Uint8Array): string[] {
  const { options, fault } = parseConfFile(Buffer.from(text), PATH);
  assert.equal(fault?.message, undefined);
  return options.map(({ name, value, origin }) => {
    assert.ok(origin.kind === 'file' && origin.path === PATH);
    return `${origin.line} ${value === undefined ? name : `${name}=${value}`}`;
  });
}

function faultOf(text: string | Uint8Array): string {
  const { fault } = parseConfFile(Buffer.from(text), PATH);
  assert.ok(fault);
  return fault.message;
}

describe('configuration file', () => {
  it('reads the example of the ipipou README', () => {
    const text = `server
number 0
fou-dev eth0
fou-local-port 10000
tunl-ip 172.28.0.0
auth-remote-pubkey-b64 eQYNhD/Xwl6Zaq+z3QXDzNI77x8CEKqY1n5kt9bKeEI=
auth-secret topsecret
auth-lifetime 3600
reply-on-auth-ok
verb 3
`;
    assert.deepEqual(read(text), [
      '1 server',
      '2 number=0',
      '3 fou-dev=eth0',
      '4 fou-local-port=10000',
      '5 tunl-ip=172.28.0.0',
      '6 auth-remote-pubkey-b64=eQYNhD/Xwl6Zaq+z3QXDzNI77x8CEKqY1n5kt9bKeEI=',
      '7 auth-secret=topsecret',
      '8 auth-lifetime=3600',
      '9 reply-on-auth-ok',
      '10 verb=3',
    ]);
  });

  it('skips comments in any column and blank lines, and still counts them', () => {
    assert.deepEqual(read('# a\n\n   # b\n\t#c\n \t\nnumber 3'), ['6 number=3']);
  });

  it('takes blanks and hyphens around a line as no part of it', () => {
    assert.deepEqual(read('  number 3\n--number 4  \n-n 5\t\n - - n 6'), [
      '1 number=3',
      '2 number=4',
      '3 number=5',
      '4 number=6',
    ]);
  });

  it('parts key and value at blanks, tabs, = or = between blanks', () => {
    assert.deepEqual(read('number   3\nnumber\t4\nnumber=5\nnumber = 6\nnumber= 7'), [
      '1 number=3',
      '2 number=4',
      '3 number=5',
      '4 number=6',
      '5 number=7',
    ]);
  });

  it('takes the value whole: inner blanks, quotes, #, =, a leading hyphen', () => {
    assert.deepEqual(read(`auth-secret a  "b" # c = d\nauth-secret -x\nauth-secret =x\nauth-token=a=b`), [
      '1 auth-secret=a  "b" # c = d',
      '2 auth-secret=-x',
      '3 auth-secret==x',
      '4 auth-token=a=b',
    ]);
  });

  it('reads one-letter keys as short options and beginnings as long ones', () => {
    assert.deepEqual(read('s\nn 3\nb @eth0\nkeep 27'), [
      '1 server',
      '2 number=3',
      '3 fou-local=@eth0',
      '4 keepalive=27',
    ]);
  });

  it('reads CRLF lines and a byte order mark', () => {
    assert.deepEqual(read('\uFEFFserver\r\nnumber 3\r\n\r\nauth-secret x y\r\n'), [
      '1 server',
      '2 number=3',
      '4 auth-secret=x y',
    ]);
  });

  it('takes an empty value only where = stands for it', () => {
    assert.deepEqual(read('auth-secret=\nauth-secret = '), ['1 auth-secret=', '2 auth-secret=']);
    assert.equal(faultOf('auth-secret'), `${PATH}:1: auth-secret: the value is missing; allowed: text`);
  });

  for (const [text, message] of [
    ['server\n\nnfq-maximum 3', `${PATH}:3: 'nfq-maximum' is not an option; allowed: the options that --help lists`],
    ['z 3', `${PATH}:1: 'z' is not an option; allowed: the options that --help lists`],
    ['= 3', `${PATH}:1: '' is not an option; allowed: the options that --help lists`],
    ['---', `${PATH}:1: '' is not an option; allowed: the options that --help lists`],
    ['no-log', `${PATH}:1: 'no-log' is ambiguous; allowed: no-log-time, no-log-pid`],
    ['#\nnumber', `${PATH}:2: number: the value is missing; allowed: 0 to 65535`],
    ['server yes', `${PATH}:1: server: 'yes' is a value, and the option takes none; allowed: no value`],
  ] as const) {
    it(`refuses ${JSON.stringify(text)} by file and line`, () => {
      assert.equal(faultOf(text), message);
    });
  }

  for (const name of OPTION_NAMES.filter((one) => specOf(one).secret === true)) {
    it(`shows nothing of what was meant for ${name}, and its line`, () => {
      for (const [text, line] of [
        [`${name}:sesame=`, 1],
        [`${name}sesame\n`, 1],
        [`${name}-sesame`, 1],
        [`server\n${name};open sesame`, 2],
        [`${name} open\nsesame`, 2],
        [`${name} open \\\n\n  sesame street`, 3],
      ] as const) {
        const message = faultOf(text);
        assert.doesNotMatch(message, /sesame|open/, text);
        assert.ok(message.startsWith(`${PATH}:${line}: `), message);
      }
    });
  }

  it('refuses a line that is not UTF-8, by its number', () => {
    const bytes = Buffer.concat([Buffer.from('server\nauth-secret '), Buffer.from([0xff, 0x0a])]);
    assert.equal(faultOf(bytes), `${PATH}:2: the line is not UTF-8; allowed: UTF-8 text`);
    assert.deepEqual(read('auth-secret é'), ['1 auth-secret=é']);
  });

  it('reads back any values written one a line', () => {
    const value = fc
      .string({ unit: 'grapheme', minLength: 1 })
      .filter((text) => !/^[\s=]|[\s]$|[\n\r]/.test(text) && text.trim() === text);
    const names = OPTION_NAMES.filter((name) => takesValue(name));
    fc.assert(
      fc.property(fc.array(fc.record({ name: fc.constantFrom(...names), value })), (all) => {
        const lines = all.map((one) => `${one.name} ${one.value}`);
        assert.deepEqual(
          read(lines.join('\n')),
          all.map((one, index) => `${index + 1} ${one.name}=${one.value}`),
        );
      }),
    );
  });

  it('gives options or a one-line fault with file and line for any bytes', () => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      fc
        .string({ unit: fc.constantFrom('-', '=', 'n', '3', ' ', '\t', '\n', '\r', '#', '\0', 'config') })
        .map((text) => Buffer.from(text)),
    );
    fc.assert(
      fc.property(bytes, (any) => {
        const { options, fault } = parseConfFile(any, PATH);
        for (const { name, value } of options) assert.equal(value !== undefined, takesValue(name));
        if (fault !== undefined) assert.match(fault.message, /^\/etc\/ipipou\/x\.conf:\d+: [^\n\r]+$/);
      }),
    );
  });

  it('reads a file of the largest size allowed in the time of a blink, whatever it holds', () => {
    const size = CONF_FILE_MAX_BYTES;
    for (const line of [' '.repeat(size - 1) + 'x', 'n' + ' '.repeat(size - 2) + 'x', '\n'.repeat(size)]) {
      const before = process.cpuUsage().user;
      parseConfFile(Buffer.from(line), PATH);
      // Quadratic time would be minutes; this bound is far from both.
      assert.ok(process.cpuUsage().user - before < 5_000_000);
    }
  });
});

describe('configuration file name', () => {
  it('stands for a file in /etc/ipipou', () => {
    assert.equal(confPath('srv'), '/etc/ipipou/srv.conf');
    assert.equal(confPath('.srv'), '/etc/ipipou/.srv.conf');
  });

  it('is a path when it begins like one', () => {
    for (const path of ['/a/b', './b', '../b']) assert.equal(confPath(path), path);
  });
});
