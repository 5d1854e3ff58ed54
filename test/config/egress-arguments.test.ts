import assert from 'node:assert/strict';
import fc from 'fast-check';
import { ConfigError, parseEgress } from '../../src/config/index.js';

const read = (line: string) => parseEgress(line.split(' ').filter((word) => word !== ''));

describe('egress on the command line', () => {
  it('is understood', () => {
    const asked = { name: undefined, asJson: false };
    assert.deepEqual(read('show'), { verb: 'show', ...asked });
    assert.deepEqual(read('show --json home'), { verb: 'show', name: 'home', asJson: true });
    assert.deepEqual(read('rotate'), { verb: 'rotate', ...asked, dropEstablished: false });
    assert.deepEqual(read('rotate home --drop-established'), {
      verb: 'rotate',
      name: 'home',
      asJson: false,
      dropEstablished: true,
    });
    assert.deepEqual(read('ban 192.0.2.1 --for 1h30m home'), {
      verb: 'ban',
      address: '192.0.2.1',
      forMs: 5_400_000,
      name: 'home',
      asJson: false,
      dropEstablished: false,
    });
    assert.deepEqual(read('ban 2001:DB8:0::1'), {
      verb: 'ban',
      address: '2001:db8::1',
      forMs: undefined,
      ...asked,
      dropEstablished: false,
    });
    assert.deepEqual(read('unban 192.0.2.1 ./dir'), {
      verb: 'unban',
      address: '192.0.2.1',
      name: './dir',
      asJson: false,
    });
    for (const line of ['--help', 'show -h', 'ban --help']) assert.deepEqual(read(line), { verb: 'help' });
  });

  for (const [line, message] of [
    ['', 'egress is to do nothing; allowed: show, rotate, ban, unban'],
    ['spin', "'spin' is nothing that egress does; allowed: show, rotate, ban, unban"],
    ['ban', 'the address is missing; allowed: one IPv4 or IPv6 address'],
    ['ban home', "'home' is not an IP address; allowed: one IPv4 or IPv6 address"],
    ['ban 192.0.2.0/24', "'192.0.2.0/24' is not an IP address; allowed: one IPv4 or IPv6 address"],
    ['ban 192.0.2.1 --for', /^--for: the value is missing; allowed: a time such as /],
    ['ban 192.0.2.1 --for=soon', /^--for: 'soon' is not a time; allowed: a time such as /],
    ['ban 192.0.2.1 --for 0', /^--for: '0' is no time at all; allowed: /],
    ['unban 192.0.2.1 --for 1h', "'--for' is no option of egress unban; allowed: --json"],
    ['show --drop-established', "'--drop-established' is no option of egress show; allowed: --json"],
    ['show -x', "'-x' is no option of egress show; allowed: --json"],
    ['show --json=1', "--json: '1' is a value, and the option takes none; allowed: no value"],
    ['show --json --json', '--json: is given twice; allowed: once'],
    ['show one two', "'two' is not expected here; allowed: nothing more"],
  ] as const) {
    it(`is refused in one line: egress ${line}`, () => {
      assert.throws(
        () => read(line),
        (error) =>
          error instanceof ConfigError &&
          (typeof message === 'string' ? error.message === message : message.test(error.message)),
      );
    });
  }

  it('is understood or refused, whatever the words are', () => {
    const word = fc.oneof(fc.string(), fc.constantFrom('show', 'ban', '192.0.2.1', '--for', '--json', '--', '-'));
    fc.assert(
      fc.property(fc.array(word, { maxLength: 6 }), (words) => {
        try {
          parseEgress(words);
        } catch (error) {
          assert.ok(error instanceof ConfigError);
          assert.doesNotMatch(error.message, /\n/);
        }
      }),
    );
  });
});
