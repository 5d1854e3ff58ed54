import assert from 'node:assert/strict';
import fc from 'fast-check';
import { ConfigError } from '../../src/config/errors.js';
import { parseRandmap } from '../../src/config/randmap-arguments.js';
import { RANDMAP_OPTION_NAMES, randmapOption } from '../../src/config/randmap-options.js';
import { formatSpec, HOOKS } from '../../src/egress/randmap/spec.js';

const words = (text: string): string[] => text.split(' ').filter((word) => word !== '');
const specOf = (text: string): string => {
  const request = parseRandmap(words(text));
  return request.verb === 'add' ? formatSpec(request.spec) : assert.fail(request.verb);
};

describe('randmap on the command line', () => {
  for (const [given, shown] of [
    ['add PREROUTING -d fc00:3002::/64 --dst-pfx fc00:2070::2/128 --dport 80:80', undefined],
    [
      'add OUTPUT -s fc00:2070::2 -p tcp --match-sport 80 --src-pfx fc00:3002::/64 --sport 0:65535',
      'OUTPUT -s fc00:2070::2/128 -p tcp --match-sport 80:80 --src-pfx fc00:3002::/64 --sport 0:65535',
    ],
    [
      'add FORWARD -i eth0 -o eth1 --sport=1024: --source 10.0.0.0/8',
      'FORWARD -s 10.0.0.0/8 -i eth0 -o eth1 --sport 1024:65535',
    ],
    [
      'add OUTPUT -p47 --dst-pfx 192.0.2.7 --every-packet -o eth0',
      'OUTPUT -p 47 -o eth0 --dst-pfx 192.0.2.7/32 --every-packet',
    ],
    ['add POSTROUTING -p UDP --match-dport :53 --dport 1-9', 'POSTROUTING -p udp --match-dport 0:53 --dport 1:9'],
  ] as const) {
    it(`'${given}' is understood`, () => {
      assert.equal(specOf(given), shown ?? given.slice('add '.length));
    });
  }

  for (const [given, problem] of [
    ['', /randmap is to do nothing; allowed: add, show, delete, flush/],
    ['move', /'move' is nothing that randmap does/],
    ['add', /the hook is missing; allowed: PREROUTING/],
    ['add EGRESS --sport 1', /'EGRESS' is not a hook/],
    ['add OUTPUT', /the rule changes nothing/],
    ['add OUTPUT -d 192.0.2.1', /the rule changes nothing/],
    ['add OUTPUT --sport 9:1', /--sport: '9:1' ends before it begins/],
    ['add OUTPUT --sport 1:65536', /--sport: '1:65536' has a port above 65535/],
    ['add OUTPUT --sport :', /--sport: ':' is not a range of ports/],
    ['add OUTPUT --src-pfx 192.0.2.1/24', /--src-pfx: '192.0.2.1\/24' has bits set behind its prefix/],
    ['add OUTPUT --src-pfx', /--src-pfx: the value is missing/],
    ['add OUTPUT --src-pfx -o eth0', /--src-pfx: the value is missing/],
    ['add OUTPUT --src-pfx 192.0.2.1 --src-pfx 192.0.2.2', /--src-pfx: is given twice/],
    [
      'add OUTPUT -s 192.0.2.1 --src-pfx 2001:db8::/64',
      /--src-pfx: '2001:db8::\/64' is of another IP version than --source/,
    ],
    ['add OUTPUT -p icmp --src-pfx 2001:db8::/64', /--protocol: 'icmp' is of another IP version than --src-pfx/],
    ['add OUTPUT -p icmp --sport 1', /--sport: '1' is about ports, which the protocol of -p does not have/],
    ['add OUTPUT -p dccp --sport 1', /--protocol: 'dccp' is not a protocol/],
    ['add OUTPUT -p 33 --src-pfx 192.0.2.1', /--protocol: '33' is DCCP/],
    ['add OUTPUT --match-dport 80 --dport 81', /--match-dport: '80' needs a protocol/],
    ['add OUTPUT -i eth0 --dport 81', /--in-interface: 'eth0' is not known at OUTPUT/],
    ['add PREROUTING -o eth0 --dport 81', /--out-interface: 'eth0' is not known at PREROUTING/],
    ['add OUTPUT --dport 81 --every-packet', /--every-packet: needs a device to set/],
    ['add OUTPUT --dport 81 --every-packet=yes', /--every-packet: 'yes' is a value, and the option takes none/],
    ['add OUTPUT --dport 81 -j RANDMAP', /'-j' is not expected here/],
    ['add OUTPUT --dport 81 more', /'more' is not expected here/],
    ['delete', /the number of the rule is missing/],
    ['delete 0', /'0' is not the number of a rule/],
    ['delete 1 2', /'2' is not expected here/],
    ['show all', /'all' is not expected here/],
  ] as const) {
    it(`'${given}' is refused in one line`, () => {
      assert.throws(
        () => parseRandmap(words(given)),
        (error) => error instanceof ConfigError && problem.test(error.message) && !error.message.includes('\n'),
      );
    });
  }

  it('takes what it shows', () => {
    for (const hook of HOOKS) {
      const shown = specOf(`add ${hook} -s 192.0.2.0/24 -p udp --match-sport 7 --dst-pfx 198.51.100.0/25 --dport 0:9`);
      assert.equal(specOf(`add ${shown}`), shown);
    }
  });

  it('understands any words, or refuses them as the user’s mistake', () => {
    const word = fc.oneof(
      fc.string(),
      fc.constantFrom(
        'add',
        'delete',
        'OUTPUT',
        '-s',
        '-p',
        'tcp',
        '192.0.2.0/24',
        '--sport',
        '1:9',
        '-o',
        'eth0',
        '::/0',
      ),
    );
    fc.assert(
      fc.property(fc.array(word, { maxLength: 9 }), (list) => {
        try {
          parseRandmap(list);
        } catch (error) {
          assert.ok(error instanceof ConfigError, String(error));
        }
      }),
    );
  });

  it('has an option table that says all there is to say', () => {
    for (const name of RANDMAP_OPTION_NAMES) {
      const { help, type, metavar } = randmapOption(name);
      assert.match(help, /^\S.*[^.\s]$/);
      assert.equal(metavar === undefined, type.kind === 'flag');
    }
  });
});
