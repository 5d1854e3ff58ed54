import assert from 'node:assert/strict';
import fc from 'fast-check';
import { findShadow, formatPolicy } from '../../src/egress/policy.js';
import { parsePolicy } from '../../src/egress/policy-text.js';
import { policy } from './make.js';

const isDevice = (name: string): boolean => /^[a-z][a-z0-9]*$/.test(name);

describe('a policy in words', () => {
  for (const [text, shown] of [
    ['passthrough', 'passthrough protocols=any'],
    ['drop protocols=udp interfaces=eth0,eth1', 'drop protocols=udp interfaces=eth0,eth1'],
    ['masquerade protocols=ipv4 ports=1024:2047', 'masquerade ports=1024-2047 protocols=ipv4'],
    [
      'rotate addresses=198.51.100.0/24,2001:db8::/64 exclude=198.51.100.7',
      'rotate addresses=198.51.100.1-198.51.100.6,198.51.100.8-198.51.100.254,2001:db8::/64 per=connection protocols=any',
    ],
    [
      'rotate per=tunnel addresses=192.0.2.0/31 every=roam,1h30m established=drop',
      'rotate addresses=192.0.2.0/31 per=tunnel every=5400s,roam established=drop protocols=any',
    ],
    [
      'rotate\taddresses=2001:db8::/64  per=packet ports=0-65535 inner-port=80 protocols=TCP6',
      'rotate addresses=2001:db8::/64 per=packet inner-port=80 ports=0-65535 protocols=tcp6',
    ],
    [
      'masquerade udp-timeout=1m tcp-connect-timeout=5 protocols=ipv4',
      'masquerade tcp-connect-timeout=5s udp-timeout=60s protocols=ipv4',
    ],
  ] as const) {
    it(`'${text}' is understood`, () => {
      assert.equal(formatPolicy(policy(text)), shown);
    });
  }

  it('means the same when it is read back', () => {
    const own = policy('rotate addresses=192.0.2.0/31 own=yes');
    assert.deepEqual(policy(formatPolicy(own)), own);
    const edges = policy('rotate addresses=192.0.2.0/30,198.51.100.0/24 edges=yes');
    assert.deepEqual(policy(formatPolicy(edges)), edges);
    const text = 'rotate addresses=192.0.2.0/31,2001:db8::/64 per=tunnel every=0.5s,roam protocols=tcp,udp6 ports=9';
    assert.equal(formatPolicy(policy(formatPolicy(policy(text)))), formatPolicy(policy(text)));
  });

  for (const [text, problem] of [
    ['', /is empty/],
    ['spin addresses=192.0.2.1', /unknown mode 'spin'/],
    ['rotate', /has no addresses=/],
    ['rotate addresses=', /no value behind addresses=/],
    ['rotate addresses=192.0.2.1 color=red', /unknown key 'color'/],
    ['rotate addresses=192.0.2.1 addresses=192.0.2.2', /addresses= twice/],
    ['rotate addresses=192.0.2.1,,192.0.2.2', /in addresses= '', which is not an IP address/],
    ['rotate addresses=192.0.2.1/24', /192.0.2.0\/24 is meant/],
    ['rotate addresses=192.0.2.0/24 exclude=192.0.2.0/24', /has no address left: all of them are excluded/],
    [
      'rotate addresses=192.0.2.0/24 exclude=2001:db8::/64',
      /^has in exclude= 2001:db8::\/64, and in addresses= nothing of its IP version$/,
    ],
    [
      'rotate addresses=2001:db8::/64 protocols=tcp4,icmp4',
      /^has protocols= of one IP version, and addresses= of the other$/,
    ],
    ['rotate addresses=192.0.2.0/24 protocols=ipv6', /^has protocols= of one IP version, and addresses= of the other$/],
    ['rotate addresses=192.0.2.1 per=hour', /wrong per=: allowed are tunnel, connection, packet/],
    ['rotate addresses=192.0.2.1 every=10s', /every=, which goes with per=tunnel only/],
    ['rotate addresses=192.0.2.1 per=tunnel every=soon', /wrong every=/],
    ['rotate addresses=192.0.2.1 per=tunnel every=99ms', /wrong every=/],
    ['rotate addresses=192.0.2.1 per=tunnel every=1s,2s', /wrong every=/],
    ['masquerade tcp-timeout=500ms', /tcp-timeout='500ms', which is no number of whole seconds/],
    ['masquerade tcp-timeout=soon', /tcp-timeout='soon', which is not a time/],
    ['passthrough tcp-timeout=5s', /tcp-timeout=, which passthrough does not know/],
    ['rotate addresses=192.0.2.1 per=packet udp-timeout=5s', /with per=packet nothing is tracked/],
    ['rotate addresses=192.0.2.1 own=maybe', /wrong own=/],
    ['rotate addresses=192.0.2.1 per=packet own=yes', /own=yes, with which per=packet would take/],
    ['rotate addresses=192.0.2.1 established=drop', /established=, which goes with per=tunnel only/],
    ['rotate addresses=192.0.2.1 per=tunnel established=no', /wrong established=: allowed are keep, drop/],
    ['rotate addresses=192.0.2.1 ports=9:1', /ports= that ends before it begins/],
    ['rotate addresses=192.0.2.1 ports=1:65536', /port above 65535/],
    ['rotate addresses=192.0.2.1 edges=maybe', /wrong edges=/],
    ['rotate addresses=192.0.2.1 protocols=sctp', /wrong protocols/],
    ['rotate addresses=192.0.2.1 protocols=toString', /wrong protocols/],
    ['rotate addresses=192.0.2.1 interfaces=eth0,', /no device name in interfaces: ''/],
    ['rotate addresses=192.0.2.1 per=packet inner-port=80', /inner-port=, which goes with ports= only/],
    ['rotate addresses=192.0.2.1 inner-port=80', /inner-port=, which goes with per=packet only/],
    ['passthrough addresses=192.0.2.1', /addresses=, which passthrough does not know/],
    ['drop ports=1', /ports=, which drop does not know/],
  ] as const) {
    it(`'${text}' is refused for what it is`, () => {
      const read = parsePolicy(text, isDevice);
      assert.ok(!read.ok);
      assert.match(read.problem, problem);
    });
  }

  it('is read from any text, or refused in one line', () => {
    const words = fc
      .array(
        fc.oneof(
          fc.string(),
          fc.constantFrom('rotate', 'drop', 'addresses=::/0', 'per=tunnel', 'every=1s', 'ports=1', 'exclude=1.1.1.1'),
          fc
            .tuple(fc.constantFrom('addresses', 'exclude', 'ports', 'every', 'protocols'), fc.string())
            .map((pair) => pair.join('=')),
        ),
        { maxLength: 6 },
      )
      .map((list) => list.join(' '));
    fc.assert(
      fc.property(words, (text) => {
        const read = parsePolicy(text, isDevice);
        if (!read.ok) assert.match(read.problem, /^[\x20-\x7e…]+$/);
      }),
    );
  });
});

describe('a list of policies', () => {
  const shadow = (...texts: string[]): number | undefined =>
    findShadow(
      texts.map((text) => policy(text)),
      texts.length - 1,
    );

  it('shows which of them another one leaves nothing for', () => {
    assert.equal(shadow('masquerade', 'drop'), 0);
    assert.equal(shadow('drop protocols=udp', 'masquerade protocols=tcp', 'passthrough protocols=tcp4'), 1);
    assert.equal(shadow('drop interfaces=eth0,eth1', 'masquerade interfaces=eth1'), 0);
  });

  it('lets stand what has packets of its own', () => {
    assert.equal(shadow('masquerade protocols=tcp', 'drop'), undefined);
    assert.equal(shadow('masquerade interfaces=eth0', 'drop'), undefined);
    assert.equal(shadow('rotate addresses=192.0.2.1', 'masquerade'), undefined);
    assert.equal(shadow('rotate addresses=192.0.2.1', 'drop protocols=ipv4'), 0);
  });
});
