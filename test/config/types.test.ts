import assert from 'node:assert/strict';
import fc from 'fast-check';
import { localForm, remoteForm } from '../../src/config/host-forms.js';
import { addToIpv4, ipv4ToNumber, isHostIpv4, numberToIpv4 } from '../../src/config/ipv4.js';
import { specOf } from '../../src/config/option-names.js';
import { OPTION_NAMES } from '../../src/config/options.js';
import { quoteForShell, quoteValue } from '../../src/config/quote.js';
import { deviceName, integer, tableName } from '../../src/config/types.js';

function valueOf<T>(parsed: { ok: true; value: T } | { ok: false; problem: string }): T {
  assert.ok(parsed.ok, parsed.ok ? '' : parsed.problem);
  return parsed.value;
}

describe('value types', () => {
  it('give a value or a problem for any text', () => {
    const text = fc.oneof(fc.string({ unit: 'binary' }), fc.ipV4(), fc.integer().map(String), fc.base64String());
    fc.assert(
      fc.property(fc.constantFrom(...OPTION_NAMES), text, (name, any) => {
        const parsed = specOf(name).type.parse(any);
        if (!parsed.ok) assert.match(parsed.problem, /^\S[^\n]*$/);
      }),
    );
  });

  it('accept exactly the whole numbers of a range', () => {
    fc.assert(
      fc.property(fc.integer({ min: -50, max: 50 }), (value) => {
        assert.equal(integer(-9, 20).parse(String(value)).ok, value >= -9 && value <= 20);
      }),
    );
    assert.equal(valueOf(integer(0, 9).parse('+007')), 7);
    assert.ok(Object.is(valueOf(integer(0, 9).parse('-0')), 0));
  });

  it('accept the device names that the kernel does', () => {
    for (const name of ['e', 'eth0', 'fifteen-bytes-x', 'eth0@if5', 'eth0.100', '...'])
      assert.ok(deviceName.parse(name).ok);
  });

  it('accept table names that nft can be told', () => {
    for (const name of ['ipipou', 'ipipou-0', '_a/b.c', 'x'.repeat(255)]) assert.ok(tableName.parse(name).ok);
  });
});

describe('[IP][:PORT][@DEV]', () => {
  for (const [text, parts] of [
    ['@eth0', { dev: 'eth0' }],
    [':10000', { port: 10000 }],
    ['192.0.2.1', { ip: '192.0.2.1' }],
    ['192.0.2.1:10000@eth0', { ip: '192.0.2.1', port: 10000, dev: 'eth0' }],
    [':1@a@b', { port: 1, dev: 'a@b' }],
    ['192.0.2.1@eth0', { ip: '192.0.2.1', dev: 'eth0' }],
  ] as const) {
    it(`reads ${text}`, () => {
      assert.deepEqual(valueOf(localForm.parse(text)), parts);
    });
  }
});

describe('[HOST][:PORT]', () => {
  for (const [text, parts] of [
    ['192.0.2.1:10000', { host: '192.0.2.1', port: 10000 }],
    ['vpn.example.net:1', { host: 'vpn.example.net', port: 1 }],
    ['vpn.example.net.', { host: 'vpn.example.net.' }],
    ['_a-b.example', { host: '_a-b.example' }],
    ['localhost', { host: 'localhost' }],
    [':1', { port: 1 }],
  ] as const) {
    it(`reads ${text}`, () => {
      assert.deepEqual(valueOf(remoteForm.parse(text)), parts);
    });
  }

  it('refuses names longer than DNS carries', () => {
    const label = 'a'.repeat(63);
    assert.ok(remoteForm.parse(`${label}.${label}.${label}.${'a'.repeat(61)}`).ok);
    assert.ok(!remoteForm.parse(`${label}.${label}.${label}.${'a'.repeat(64)}`).ok);
    assert.ok(!remoteForm.parse(`${label}.${label}.${label}.${'a'.repeat(62)}`).ok);
    assert.ok(!remoteForm.parse(`${label}a`).ok);
  });
});

describe('IPv4 arithmetic', () => {
  it('turns addresses into numbers and back', () => {
    fc.assert(
      fc.property(fc.ipV4(), (address) => {
        assert.equal(numberToIpv4(ipv4ToNumber(address) ?? -1), address);
      }),
    );
    assert.equal(ipv4ToNumber('172.28.0.1'), 0xac1c0001);
    assert.equal(ipv4ToNumber('255.255.255.255'), 0xffffffff);
    assert.equal(ipv4ToNumber('1.2.3'), undefined);
  });

  it('carries over the parts, and ends with the 32 bits', () => {
    assert.equal(addToIpv4('172.28.255.255', 1), '172.29.0.0');
    assert.equal(addToIpv4('172.29.0.0', -1), '172.28.255.255');
    assert.equal(addToIpv4('255.255.255.255', 1), undefined);
    assert.equal(addToIpv4('0.0.0.0', -1), undefined);
    assert.equal(addToIpv4('x', 1), undefined);
  });

  it('knows the addresses that one host can have', () => {
    for (const address of ['0.0.0.1', '127.0.0.1', '223.255.255.255', '240.0.0.0', '255.255.255.254']) {
      assert.ok(isHostIpv4(address));
    }
    for (const address of ['0.0.0.0', '224.0.0.0', '239.255.255.255', '255.255.255.255', 'x']) {
      assert.ok(!isHostIpv4(address));
    }
  });
});

describe('quoting', () => {
  it('shows any value on one line, and a long one cut', () => {
    assert.equal(quoteValue('a\nb\u001b[2J\u202e'), "'a\\nb\\u{1b}[2J\\u{202e}'");
    assert.equal(quoteValue('x'.repeat(61)), `'${'x'.repeat(60)}…'`);
    assert.equal(quoteValue('x'.repeat(60)), `'${'x'.repeat(60)}'`);
  });

  it('keeps a word whole for the shell', () => {
    assert.equal(quoteForShell('--number=3'), '--number=3');
    assert.equal(quoteForShell(''), "''");
    assert.equal(quoteForShell("a 'b' $c"), `'a '\\''b'\\'' $c'`);
  });
});
