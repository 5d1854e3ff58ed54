import assert from 'node:assert/strict';
import { isIPv6 } from 'node:net';
import fc from 'fast-check';
import {
  encodeFields,
  formatFields,
  typeNumber,
  typesLength,
  typesOfNumber,
  type DataType,
  type FieldValue,
} from '../../../src/netlink/nftables/data-type.js';
import { hex } from './hex.js';

const ALL: DataType[] = ['ipv4_addr', 'ipv6_addr', 'inet_proto', 'inet_service', 'mark', 'ifname'];

describe('types of keys', () => {
  it('have nft’s numbers, six bits a field', () => {
    assert.equal(typeNumber(['ipv4_addr']), 7);
    assert.equal(typeNumber(['ifname']), 0x29);
    assert.equal(typeNumber(['ipv4_addr', 'inet_service']), 0x1cd);
    assert.deepEqual(typesOfNumber(0x1cd), ['ipv4_addr', 'inet_service']);
  });

  it('are unknown where a number is not among ours', () => {
    assert.equal(typesOfNumber(0), undefined);
    assert.equal(typesOfNumber((7 << 6) | 26), undefined);
    assert.equal(typesOfNumber(0xffffffff), undefined);
  });

  it('pad the fields of a concatenation, but not a lone one', () => {
    assert.equal(typesLength(['inet_service']), 2);
    assert.equal(typesLength(['ipv4_addr', 'inet_service']), 8);
    assert.deepEqual(encodeFields(['inet_service'], [53]), hex('0035'));
    assert.deepEqual(encodeFields(['ipv4_addr', 'inet_service'], ['192.0.2.9', 4000]), hex('c0000209 0fa00000'));
    assert.deepEqual(encodeFields(['inet_proto', 'mark'], [17, 7]), hex('11000000 07000000'));
  });

  it('fill a name with zeros', () => {
    assert.deepEqual(encodeFields(['ifname'], ['eth0']), hex('65746830 00000000 00000000 00000000'));
  });

  it('read every spelling of an IPv6 address', () => {
    const bytes = (address: string): string => encodeFields(['ipv6_addr'], [address]).toString('hex');
    assert.equal(bytes('::'), '0'.repeat(32));
    assert.equal(bytes('::1'), '0'.repeat(31) + '1');
    assert.equal(bytes('2001:DB8::a:0:1'), '20010db8000000000000' + '000a' + '0000' + '0001');
    assert.equal(bytes('::ffff:192.0.2.1'), '0'.repeat(20) + 'ffff' + 'c0000201');
    assert.equal(bytes('1:2:3:4:5:6:7:8'), '00010002000300040005000600070008');
    assert.equal(bytes('1::'), '0001' + '0'.repeat(28));
  });

  it('refuse what is not of the type', () => {
    const bad: [DataType, FieldValue][] = [
      ['ipv4_addr', '192.0.2'],
      ['ipv4_addr', 1],
      ['ipv6_addr', '192.0.2.1'],
      ['ipv6_addr', 'fe80::1%eth0'],
      ['inet_service', 65536],
      ['inet_service', -1],
      ['inet_service', 1.5],
      ['inet_service', '53'],
      ['inet_proto', 256],
      ['mark', 2 ** 32],
      ['ifname', ''],
      ['ifname', 'sixteen-letters-'],
    ];
    for (const [type, value] of bad) assert.throws(() => encodeFields([type], [value]), RangeError, `${type} ${value}`);
    assert.throws(() => encodeFields(['ipv4_addr'], []), RangeError);
  });

  it('are shown in nft’s words', () => {
    assert.equal(formatFields(['ipv4_addr', 'inet_service'], hex('c0000201 27100000')), '192.0.2.1 . 10000');
    assert.equal(formatFields(['mark'], hex('07000000')), '0x00000007');
    assert.equal(formatFields(['inet_proto'], hex('11')), '17');
    assert.equal(formatFields(['ipv6_addr'], hex('20010db8000000000000000000000001')), '2001:db8::1');
    assert.equal(formatFields(['ipv4_addr'], hex('c00002')), '0xc00002');
    assert.equal(formatFields(undefined, hex('c0')), '0xc0');
  });

  it('give the same bytes again from the words they are shown in', () => {
    const fields = fc.record({
      v4: fc.ipV4(),
      v6: fc.ipV6().filter(isIPv6),
      port: fc.nat(65535),
      name: fc.stringMatching(/^[a-z0-9.]{1,15}$/),
    });
    const types: DataType[] = ['ipv4_addr', 'ipv6_addr', 'inet_service', 'ifname'];
    fc.assert(
      fc.property(fields, ({ v4, v6, port, name }) => {
        const bytes = encodeFields(types, [v4, v6, port, name]);
        const [a, b, c, d] = formatFields(types, bytes).split(' . ') as [string, string, string, string];
        assert.deepEqual(encodeFields(types, [a, b, Number(c), d]), bytes);
      }),
    );
  });

  it('show any bytes and know any number without failing', () => {
    fc.assert(
      fc.property(
        fc.subarray(ALL, { minLength: 1 }),
        fc.uint8Array({ maxLength: 64 }),
        fc.nat(),
        (types, bytes, number) => {
          const exact = Buffer.alloc(typesLength(types));
          exact.set(bytes.subarray(0, exact.length));
          assert.equal(formatFields(types, exact).split(' . ').length, types.length);
          const known = typesOfNumber(number);
          assert.ok(known === undefined || typeNumber(known) === number);
        },
      ),
    );
  });
});
