/** Against the kernel's own table, with `conntrack` as the judge. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { ConntrackClient } from '../../../src/netlink/conntrack/client.js';
import { decodeConnection, encodeConnectionKey } from '../../../src/netlink/conntrack/connection.js';
import { describeInNamespace } from '../../support/namespace.js';

const V4 = Buffer.from([198, 51, 100, 7]);
const V6 = Buffer.from('20010db8000000000000000000000007', 'hex');

describe('a tracked connection as bytes', () => {
  // IPv4 192.0.2.1:1000 → 192.0.2.2:53, UDP, answers to 198.51.100.7, as Linux 6.1 lists it.
  const body = Buffer.from(
    [
      '02000000',
      '34000180 14000180 0800010 0c0000201 0800020 0c0000202 1c000280 0500010011000000 06000200 03e80000 06000300 00350000',
      '34000280 14000180 0800010 0c0000202 0800020 0c6336407 1c000280 0500010011000000 06000200 00350000 06000300 03e80000',
      '08000700 0000001e 08000c00 12345678 06001200 00050000',
    ]
      .join('')
      .replaceAll(' ', ''),
    'hex',
  );

  it('is read with both its sides', () => {
    const { family, original, reply, id, timeoutSeconds } = decodeConnection(body) ?? assert.fail();
    assert.deepEqual([family, id, timeoutSeconds], ['ip', 0x12345678, 30]);
    assert.deepEqual(original, {
      source: Buffer.from([192, 0, 2, 1]),
      destination: Buffer.from([192, 0, 2, 2]),
      protocol: 17,
      sourcePort: 1000,
      destinationPort: 53,
    });
    assert.deepEqual(reply.destination, V4);
  });

  it('is named by its first side, its number and its zone', () => {
    const connection = decodeConnection(body) ?? assert.fail();
    assert.equal(
      encodeConnectionKey(connection).toString('hex'),
      `02000000${body.toString('hex', 4, 56)}08000c001234567806001200` + '00050000',
    );
  });

  it('can be any bytes, cut anywhere', () => {
    for (let length = 0; length < body.length; length += 1) decodeConnection(body.subarray(0, length));
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => void decodeConnection(Buffer.from(bytes))));
  });
});

describeInNamespace('tracked connections', (namespace) => {
  let client: ConntrackClient;
  let port = 1000;
  const add = (source: string, answersTo: string, protocol = 'udp'): void => {
    const destination = source.includes(':') ? 'fd09::2' : '192.0.2.2';
    const sides = ['-s', source, '-d', destination, '-r', destination, '-q', answersTo];
    const ports = [
      '--sport',
      String(++port),
      '--dport',
      '53',
      '--reply-port-src',
      '53',
      '--reply-port-dst',
      String(port),
    ];
    const state = protocol === 'tcp' ? ['--state', 'ESTABLISHED'] : [];
    namespace().run('conntrack', '-I', '-p', protocol, ...sides, ...ports, ...state, '-t', '100');
  };
  const listed = (): string[] =>
    ['ipv4', 'ipv6'].flatMap((family) =>
      namespace()
        .run('conntrack', '-L', '-f', family)
        .split('\n')
        .flatMap((line) => / src=(\S+)/.exec(line)?.[1] ?? []),
    );

  before(() => {
    client = namespace().inside(() => ConntrackClient.open());
  });
  after(() => {
    client.close();
  });
  beforeEach(() => {
    namespace().run('conntrack', '-F');
    add('172.28.0.1', '198.51.100.7');
    add('172.28.0.3', '198.51.100.7', 'tcp');
    add('172.28.0.5', '198.51.100.8');
    add('fd28::1', '2001:db8::7');
    add('fd28::2', '2001:db8::8');
  });

  it('are listed, all of a family or those whose answers go to an address', async () => {
    const sources = async (...words: Parameters<ConntrackClient['connections']>): Promise<string[]> =>
      (await client.connections(...words)).map(({ original }) => original.source.toString('hex')).sort();
    assert.deepEqual(await sources('ip'), ['ac1c0001', 'ac1c0003', 'ac1c0005']);
    assert.deepEqual(await sources('ip', { replyDestination: V4 }), ['ac1c0001', 'ac1c0003']);
    assert.deepEqual(await sources('ip6', { replyDestination: V6 }), [`fd28${'0'.repeat(27)}1`]);
    assert.deepEqual(await sources('ip', { replyDestination: Buffer.from([1, 2, 3, 4]) }), []);
  });

  it('are deleted one by one', async () => {
    const found = [
      ...(await client.connections('ip', { replyDestination: V4 })),
      ...(await client.connections('ip6', { replyDestination: V6 })),
    ];
    for (const connection of found) await client.delete(connection);
    assert.deepEqual(listed(), ['172.28.0.5', 'fd28::2']);
    // Once more is no error.
    for (const connection of found) await client.delete(connection);
  });
});
