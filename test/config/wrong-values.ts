import type { OptionName } from '../../src/config/options.js';

/** Every option that takes a value, with values that are no good, and why. */
export const WRONG: Readonly<Partial<Record<OptionName, readonly (readonly [string, string])[]>>> = {
  config: paths(),
  number: integers('-1', '65536', '99999999999999999999'),
  'queue-number': integers('-1', '65536'),
  'nfq-max-len': integers('0', '-1', '65536'),
  'auth-packet-ttl': integers('0', '-1', '256'),
  'tunl-mtu': integers('67', '65508'),
  'tunl-ip6': addresses6(),
  'tunl-peer-ip6': addresses6(),
  route: [
    ['', 'is not a network'],
    ['10.1.0.0/16/8', 'is not a network'],
    ['10.1.0.0/', 'is not a network'],
    ['host/16', 'is not a network'],
    ['10.1/16', 'is not a network'],
    ['10.1.0.0/-1', 'is not a network'],
    ['10.1.0.0/33', 'has a longer prefix than an address has bits'],
    ['2001:db8::/129', 'has a longer prefix than an address has bits'],
    ['10.1.2.3/16', 'is an address inside a network, which is 10.1.0.0/16'],
    ['2001:db8::1/32', 'is an address inside a network, which is 2001:db8::/32'],
  ],
  'auth-key-file': paths(),
  'auth-token-file': paths(),
  'auth-secret-file': paths(),
  'auth-max-time-discrepancy': integers('-1', '2147483648'),
  'auth-lifetime': integers('-1', '2147483648'),
  egress: [
    ['', 'is empty'],
    ['spin', "has the unknown mode 'spin'"],
    ['rotate', 'has no addresses= to rotate through'],
  ],
  'egress-policy': paths(),
  'egress-announce': devices(),
  keepalive: integers('-1', '2147484'),
  verb: integers('-100', '100'),
  'fou-local-port': integers('0', '65536', '-1'),
  'fou-remote-port': integers('0', '65536', '-1'),
  'auth-token': [
    ['', 'is empty'],
    ['x'.repeat(1473), 'holds 1473 bytes'],
    ['é'.repeat(737), 'holds 1474 bytes'],
  ],
  'auth-token-b64': [
    ['', 'is empty'],
    ['???', 'is not base64'],
    ['YQ', 'is not base64'],
    [Buffer.alloc(1473).toString('base64'), 'holds 1473 bytes'],
  ],
  'auth-key-b64': [...keys()],
  'auth-remote-pubkey-b64': [...keys(), [Buffer.alloc(32).toString('base64'), 'is a weak key']],
  'auth-key-type': [
    ['', 'is none of the choices'],
    ['rsa', 'is none of the choices'],
    ['ED25519', 'is none of the choices'],
  ],
  'data-plane': [
    ['', 'is none of the choices'],
    ['user', 'is none of the choices'],
    ['Kernel', 'is none of the choices'],
  ],
  // Any text is a secret, none included; what is missing altogether is refused where the line is read.
  'auth-secret': [],
  'fou-local': [
    ['', 'is empty'],
    ['@', 'has a wrong device name'],
    [':', 'has a wrong port'],
    ['192.0.2.1:', 'has a wrong port'],
    ['192.0.2.1:70000', 'has a wrong port'],
    ['192.0.2.300', 'has a wrong IPv4 address'],
    ['host:1', 'has a wrong IPv4 address'],
    ['@a/b', 'has a wrong device name'],
    ['2001:db8::1', 'looks like an IPv6 address'],
  ],
  'fou-remote': [
    ['', 'is empty'],
    [':', 'has a wrong port'],
    ['host:', 'has a wrong port'],
    ['host:0', 'has a wrong port'],
    ['2001:db8::1', 'looks like an IPv6 address'],
    ['[2001:db8::1]:10000', 'looks like an IPv6 address'],
    ['192.0.2.300:1', 'has a wrong IPv4 address'],
    ['127.1:1', 'has a wrong IPv4 address'],
    ['0x7f000001:1', 'has a wrong IPv4 address'],
    ['0.0.0.0:1', 'has a wrong IPv4 address'],
    ['a b:1', 'has a wrong host name'],
    ['-a.example:1', 'has a wrong host name'],
    ['a..example:1', 'has a wrong host name'],
  ],
  'fou-local-ip': addresses(),
  'fou-local-ip-alt': addresses(),
  'fou-remote-ip': addresses(),
  'tunl-ip': addresses(),
  'tunl-peer-ip': addresses(),
  'fou-dev': devices(),
  'tunl-dev': devices(),
  'nft-table': [
    ['', 'is empty'],
    ['0table', 'is not a table name'],
    ['a b', 'is not a table name'],
    ['a;b', 'is not a table name'],
    ['x'.repeat(256), 'is too long'],
  ],
  'state-dir': paths(),
  'control-dir': paths(),
};

function paths(): readonly (readonly [string, string])[] {
  return [
    ['', 'is empty'],
    ['a\0b', 'contains a NUL byte'],
    ['/'.repeat(4096), 'is too long'],
  ];
}

function integers(...outside: readonly string[]): readonly (readonly [string, string])[] {
  const notNumbers = ['', 'abc', '1.5', '0x10', ' 1', '1e3', '1_000', '--1'];
  return [
    ...notNumbers.map((value) => [value, 'is not a whole number'] as const),
    ...outside.map((value) => [value, 'is out of range'] as const),
  ];
}

function addresses(): readonly (readonly [string, string])[] {
  const notAddresses = ['', '1.2.3', '1.2.3.256', '01.2.3.4', '::1', '1.2.3.4/24', 'localhost'];
  return [
    ...notAddresses.map((value) => [value, 'is not an IPv4 address'] as const),
    ...['0.0.0.0', '224.0.0.1', '239.255.255.255', '255.255.255.255'].map(
      (value) => [value, 'is not the address of one host'] as const,
    ),
  ];
}

function addresses6(): readonly (readonly [string, string])[] {
  const notAddresses = ['', '1.2.3.4', '1::2::3', '2001:db8::1/64', 'fe80::1%eth0', '[::1]', 'localhost'];
  return [
    ...notAddresses.map((value) => [value, 'is not an IPv6 address'] as const),
    ...['::', '::1', '::ffff:192.0.2.1', 'fe80::1', 'febf::1', 'ff02::1'].map(
      (value) => [value, 'is not the address of one host'] as const,
    ),
  ];
}

function devices(): readonly (readonly [string, string])[] {
  return [
    ['', 'is empty'],
    ['sixteen-bytes-xx', 'is too long'],
    ['éééééééé', 'is too long'],
    ...['.', '..', 'a/b', 'a b', 'a\tb', 'a:b', 'a%d', 'a\0b', 'à'].map(
      (value) => [value, 'is not a device name'] as const,
    ),
  ];
}

function keys(): readonly (readonly [string, string])[] {
  return [
    ['', 'is empty'],
    ['*key*', 'is not base64'],
    [` ${Buffer.alloc(32, 1).toString('base64')}`, 'is not base64'],
    [Buffer.alloc(31, 1).toString('base64'), 'holds 31 bytes'],
    [Buffer.alloc(33, 1).toString('base64'), 'holds 33 bytes'],
  ];
}
