import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { CounterName } from '../../../src/dataplane/userspace/counters.js';
import { needsBuild } from '../../support/built.js';
import {
  ACK,
  checksum,
  decodeTunHeader,
  FIN,
  ipv6,
  leavePartial,
  pseudoHeader,
  PSH,
  tcp,
  tcp6,
  udp,
  udp6,
  type Ipv6Fields,
} from './support/inner-packet.js';
import { ANY_IPV6, datagramsOf, ModuleRig, PEER, type Datagram } from './support/module-rig.js';

const TUN_HEADER = 10;
const NEEDS_CSUM = 1;
const TCPV6 = 4;
const UDP_L4 = 5;
const ICMPV6 = 58;
const FRAGMENT = 44;
const [HOP_BY_HOP, DESTINATION_OPTIONS] = [0, 60];

const packetOf = (written: Buffer): Buffer => written.subarray(TUN_HEADER);
const each = (packets: readonly Buffer[]): Datagram[] => packets.map((payload) => ({ payload }));
const alone = (packet: Buffer): Buffer => Buffer.concat([Buffer.alloc(TUN_HEADER), packet]);
const rig6 = (more: { readonly tunHeader?: boolean; readonly mtu?: number } = {}): ModuleRig =>
  new ModuleRig({ ipv6: ANY_IPV6, ...more });
const changed = (packet: Buffer, change: (bytes: Buffer) => void): Buffer => {
  const bytes = Buffer.from(packet);
  change(bytes);
  return bytes;
};
const spoil = (packet: Buffer, at: number): Buffer =>
  changed(packet, (bytes) => bytes.writeUInt8(bytes.readUInt8(at) ^ 1, at));

/** Segments of one connection, one behind the other. */
function stream(count: number, segmentBytes: number, fields: Ipv6Fields = {}, lastBytes = segmentBytes): Buffer[] {
  return Array.from({ length: count }, (_, index) => {
    const isLast = index === count - 1;
    return tcp6({
      ...fields,
      flags: isLast ? (fields.flags ?? ACK) : ACK,
      sequence: (fields.sequence ?? 1) + index * segmentBytes,
      payload: Buffer.alloc(isLast ? lastBytes : segmentBytes, index + 1),
    });
  });
}

describe('IPv6 from the wire to the device', () => {
  before(needsBuild);

  it('is written as it is, whatever it carries', () => {
    for (const packet of [
      udp6(Buffer.from('hello')),
      tcp6(),
      ipv6(ICMPV6, Buffer.alloc(8), undefined),
      ipv6(FRAGMENT, Buffer.alloc(16), undefined),
      // No next header, and nothing behind it.
      ipv6(59, Buffer.alloc(0), undefined),
      udp6(Buffer.from('extended'), { extensions: [HOP_BY_HOP, DESTINATION_OPTIONS] }),
    ]) {
      assert.deepEqual(rig6().receive([{ payload: packet }]), [alone(packet)]);
      assert.deepEqual(rig6({ tunHeader: false }).receive([{ payload: packet }]), [packet]);
    }
  });

  it('shares the port with IPv4: both come out, in their order', () => {
    const packets = [udp6(Buffer.from('six')), udp(Buffer.from('four')), udp6(Buffer.from('6'))];
    assert.deepEqual(rig6().receive(each(packets)), packets.map(alone));
  });

  it('comes apart again where the kernel joined datagrams of both versions', () => {
    const packets = [udp6(Buffer.alloc(60, 'a')), udp(Buffer.alloc(80, 'b')), udp6(Buffer.alloc(60, 'c'))];
    const last = udp6(Buffer.alloc(9, 'd'));
    assert.equal(packets[0]?.length, packets[1]?.length);
    const run = Buffer.concat([...packets, last]);
    assert.deepEqual(rig6().receive([{ payload: run, joined: 108 }]), [...packets, last].map(alone));
  });

  describe('is dropped and counted', () => {
    const packet = udp6(Buffer.alloc(60, 'x'));
    const saying = (length: number): Datagram => ({
      payload: changed(packet, (bytes) => bytes.writeUInt16BE(length, 4)),
    });
    const cases: readonly (readonly [string, CounterName, Datagram])[] = [
      ['from another address', 'unbound', { payload: packet, from: { ...PEER, address: '192.0.2.8' } }],
      ['from another port', 'unbound', { payload: packet, from: { ...PEER, port: 4322 } }],
      ['cut by the kernel', 'cut', { payload: packet, cut: true }],
      ['of one byte', 'malformed', { payload: Buffer.of(0x60) }],
      ['shorter than its header', 'malformed', { payload: packet.subarray(0, 39) }],
      ['that says it is longer than it is', 'malformed', saying(69)],
      ['that says it is shorter than it is', 'malformed', saying(67)],
      ['that leaves its length to a jumbo payload option', 'malformed', saying(0)],
      ['that says it is as long as can be', 'malformed', saying(0xffff)],
    ];
    for (const [name, counter, datagram] of cases) {
      it(`a packet ${name}`, () => {
        const rig = rig6();
        assert.deepEqual(rig.receive([datagram]), []);
        assert.equal(rig.module.counters()[counter], 1);
        assert.equal(rig.module.counters().inPackets, 0);
      });
    }

    it('by a tunnel that carries IPv4 alone, whatever an asker calls data', () => {
      const rig = new ModuleRig();
      assert.deepEqual(rig.receive([{ payload: packet }]), []);
      assert.equal(rig.module.counters().unrecognised, 1);
      rig.module.exports.rxAskAll();
      assert.deepEqual(
        rig.receive([{ payload: packet }], () => true),
        [],
      );
      assert.equal(rig.module.counters().malformed, 1);
    });
  });

  it('is asked about where it is as long as an auth packet', () => {
    const rig = rig6();
    rig.module.exports.rxAskLength(73);
    const packet = udp6(Buffer.alloc(25));
    const asked: Buffer[] = [];
    const answer = (payload: Buffer): boolean => asked.push(payload) === 1;
    assert.deepEqual(rig.receive(each([packet, packet]), answer), [alone(packet)]);
    assert.deepEqual(asked, [packet, packet]);
  });

  describe('joining', () => {
    it('makes one long packet of segments that follow each other', () => {
      const packets = stream(5, 1000, { flags: ACK | PSH, sequence: 0xffffff00, flowLabel: 0xabcde, tos: 0xb8 }, 300);
      const [written, ...more] = rig6().receive(each(packets));
      assert.deepEqual(more, []);
      const header = decodeTunHeader(written!);
      assert.deepEqual(header, {
        flags: NEEDS_CSUM,
        kind: TCPV6,
        headerBytes: 60,
        segmentBytes: 1000,
        checksumStart: 40,
        checksumOffset: 16,
      });
      const long = packetOf(written!);
      assert.equal(long.length, 60 + 4300);
      assert.equal(long.readUInt16BE(4), long.length - 40);
      assert.equal(long.readUInt8(53), ACK | PSH);
      // The sum of the pseudo header, for the device to go on with.
      assert.equal(long.readUInt16BE(56), ~checksum(pseudoHeader(long)) & 0xffff);
      assert.deepEqual(long.subarray(0, 4), packets[0]?.subarray(0, 4));
    });

    it('does not happen without the header of TUN', () => {
      const packets = stream(3, 1000);
      assert.deepEqual(rig6({ tunHeader: false }).receive(each(packets)), packets);
    });

    const second = (fields: Ipv6Fields): Buffer => tcp6({ sequence: 101, payload: Buffer.alloc(100, 2), ...fields });
    const first = tcp6({ payload: Buffer.alloc(100, 1) });
    const hostile: Record<string, Buffer> = {
      'a gap': second({ sequence: 102 }),
      'an overlap': second({ sequence: 100 }),
      'another acknowledgement': second({ acknowledgement: 78 }),
      'another window': second({ window: 501 }),
      'another urgent pointer': second({ urgent: 1 }),
      options: second({ options: Buffer.from([1, 1, 1, 1]) }),
      'another hop limit': second({ ttl: 63 }),
      'another traffic class': second({ tos: 0x10 }),
      'congestion experienced': second({ tos: 3 }),
      'another flow label': second({ flowLabel: 1 }),
      'an extension header': second({ extensions: [DESTINATION_OPTIONS] }),
      'hop-by-hop options': second({ extensions: [HOP_BY_HOP] }),
      'another port': second({ sourcePort: 1001 }),
      'another source that ends alike': second({ source: 'fd00:1::2' }),
      'another destination that ends alike': second({ destination: 'fd00:1::1' }),
      'another source': second({ source: 'fd00::3' }),
      'another destination': second({ destination: 'fd00::3' }),
      'no payload': second({ payload: Buffer.alloc(0) }),
      'a longer payload': second({ payload: Buffer.alloc(101) }),
      'a wrong checksum': spoil(second({}), 70),
      'a header spoilt on the way': spoil(second({}), 30),
      FIN: second({ flags: ACK | FIN }),
      SYN: second({ flags: ACK | 2 }),
      CWR: second({ flags: ACK | 0x80 }),
      'no ACK': second({ flags: 0 }),
      'another protocol': ipv6(47, second({}).subarray(40), undefined),
      'the other IP version': tcp({ sequence: 101, payload: Buffer.alloc(100, 2) }),
    };
    for (const [name, packet] of Object.entries(hostile)) {
      it(`is not done to a packet with ${name}`, () => {
        const written = rig6().receive(each([first, packet]));
        assert.deepEqual(
          written.map((one) => one.toString('hex')).sort(),
          [alone(first), alone(packet)].map((one) => one.toString('hex')).sort(),
        );
      });
    }

    it('is not done to two packets with the same extension header', () => {
      const packets = stream(2, 100, { extensions: [DESTINATION_OPTIONS] });
      assert.deepEqual(rig6().receive(each(packets)), packets.map(alone));
    });

    it('takes connections of IPv4 beside it with the same ports for others', () => {
      // The last words of the addresses are those of IPv4, too.
      const six = stream(2, 100, { source: 'fd00::ac1c:1', destination: 'fd00::ac1c:0' });
      const four = [1, 101].map((sequence) => tcp({ sequence, payload: Buffer.alloc(100, 4) }));
      const written = rig6().receive(each([six[0]!, four[0]!, six[1]!, four[1]!]));
      assert.deepEqual(
        written.map((one) => [packetOf(one).readUInt8(0) >> 4, packetOf(one).length]).sort(),
        [
          [4, 240],
          [6, 260],
        ].sort(),
      );
    });

    it('ends with what a packet can hold', () => {
      const packets = stream(60, 1400);
      const written = rig6().receive([
        { payload: Buffer.concat(packets.slice(0, 44)), joined: 1460 },
        { payload: Buffer.concat(packets.slice(44)), joined: 1460 },
      ]);
      assert.equal(written.length, 2);
      assert.ok(written.every((packet) => packetOf(packet).length <= 65_535));
      assert.equal(
        written.reduce((sum, packet) => sum + packetOf(packet).length - 60, 0),
        60 * 1400,
      );
    });

    it('gives packets that come out the same when they are cut up again, for any stream', () => {
      const step = fc.record({
        connection: fc.integer({ min: 0, max: 2 }),
        bytes: fc.constantFrom(0, 1, 99, 100, 100, 100, 101),
        flags: fc.constantFrom(ACK, ACK, ACK, ACK | PSH, ACK | FIN, 2),
        gap: fc.constantFrom(0, 0, 0, 0, 1, -1),
        window: fc.constantFrom(500, 500, 500, 501),
        options: fc.constantFrom(0, 0, 12),
        flowLabel: fc.constantFrom(7, 7, 7, 7, 8),
        tos: fc.constantFrom(0, 0, 0, 0, 3),
        ttl: fc.constantFrom(64, 64, 64, 64, 63),
        extensions: fc.constantFrom([], [], [], [HOP_BY_HOP]),
        isSpoilt: fc.constantFrom(false, false, false, true),
      });
      fc.assert(
        fc.property(fc.array(step, { maxLength: 32 }), (steps) => {
          const next = [1000, 2 ** 32 - 200, 5];
          const packets = steps.map(({ connection, bytes, gap, options, isSpoilt, ...rest }) => {
            const sequence = (next[connection]! + gap) >>> 0;
            next[connection] = sequence + bytes;
            const source = `fd00::${connection}:2`;
            const fields = { ...rest, source, sequence, options: Buffer.alloc(options, 1) };
            const packet = tcp6({ ...fields, payload: Buffer.alloc(bytes, connection) });
            return isSpoilt ? spoil(packet, 53) : packet;
          });
          const rig = rig6();
          const cut = rig
            .receive(each(packets))
            .flatMap((one) =>
              decodeTunHeader(one).kind === 0 ? [packetOf(one)] : rig.send([one]).messages.flatMap(datagramsOf),
            );
          // What extends the header is looked at no further, so such packets may overtake.
          const ofConnection = (all: readonly Buffer[], number: number, isPlain: boolean): string[] =>
            all
              .filter((packet) => packet.readUInt16BE(20) === number && (packet.readUInt8(6) === 6) === isPlain)
              .map((packet) => packet.toString('hex'));
          for (const number of [0, 1, 2]) {
            for (const isPlain of [true, false]) {
              assert.deepEqual(ofConnection(cut, number, isPlain), ofConnection(packets, number, isPlain));
            }
          }
        }),
        { numRuns: 300 },
      );
    });
  });

  describe('a checksum that a kernel on this host left to be done', () => {
    for (const [name, packet, offset] of [
      ['TCP', tcp6({ payload: Buffer.from('odd') }), 16],
      ['UDP', udp6(Buffer.from('odd')), 6],
    ] as const) {
      it(`of ${name} is left to the device, and done where that can not`, () => {
        const partial = leavePartial(packet, offset);
        const [written] = rig6().receive([{ payload: partial }]);
        const header = decodeTunHeader(written!);
        assert.deepEqual(
          [header.flags, header.kind, header.checksumStart, header.checksumOffset],
          [NEEDS_CSUM, 0, 40, offset],
        );
        assert.deepEqual(packetOf(written!), partial);
        assert.deepEqual(rig6({ tunHeader: false }).receive([{ payload: partial }]), [packet]);
      });
    }

    it('is all ones where the sum of UDP comes to zero', () => {
      const [written] = rig6({ tunHeader: false }).receive([{ payload: leavePartial(zeroSum(), 6) }]);
      assert.equal(written?.readUInt16BE(46), 0xffff);
    });

    it('comes with a packet that was not cut up yet, which the device cuts up', () => {
      // Text, which begins like IPv6 over and over.
      const partial = leavePartial(tcp6({ payload: Buffer.alloc(30_000, 'like IPv6 ') }), 16);
      for (const joined of [undefined, 1412, 1000, 61]) {
        const [written, ...more] = rig6({ mtu: 1472 }).receive([{ payload: partial, ...(joined && { joined }) }]);
        assert.deepEqual(more, []);
        const header = decodeTunHeader(written!);
        assert.deepEqual(
          [header.flags, header.kind, header.headerBytes, header.segmentBytes],
          [NEEDS_CSUM, TCPV6, 60, 1412],
        );
      }
    });

    it('comes with datagrams that were not cut up yet, although their length looks like a joined run', () => {
      const partial = leavePartial(udp6(Buffer.alloc(5000, 'x')), 6);
      const [written, ...more] = rig6().receive([{ payload: partial, joined: 1000 }]);
      assert.deepEqual(more, []);
      const header = decodeTunHeader(written!);
      assert.deepEqual([header.flags, header.kind, header.segmentBytes], [NEEDS_CSUM, UDP_L4, 1000]);
    });

    it('does not make one packet of a run whose first lies about its length: it swallows none of the others', () => {
      for (const honest of [
        ['a', 'b', 'c'].map((text) => udp6(Buffer.alloc(272, text))),
        ['a', 'b', 'c'].map((text) => udp(Buffer.alloc(292, text))),
      ]) {
        const liar = udp6(Buffer.alloc(272, 'l'));
        const bytes = 4 * liar.length;
        liar.writeUInt16BE(bytes - 40, 4);
        liar.writeUInt16BE(bytes - 40, 44);
        const first = leavePartial(Buffer.concat([liar, ...honest]), 6).subarray(0, liar.length);
        const rig = rig6();
        const written = rig.receive([{ payload: Buffer.concat([first, ...honest]), joined: liar.length }]);
        assert.deepEqual(written, honest.map(alone));
        assert.equal(rig.module.counters().malformed, 1);
      }
    });
  });

  it('whatever arrives, in any number and order, is written whole or not at all', () => {
    const packet = fc.oneof(
      fc.uint8Array({ maxLength: 120 }).map((bytes) => Buffer.from(bytes)),
      fc
        .tuple(
          fc.uint8Array({ minLength: 44, maxLength: 120 }),
          fc.constantFrom(0, 0, 0, 1, -1),
          fc.constantFrom(6, 17, 0, 58),
        )
        .map(([bytes, lie, nextHeader]) => {
          const payload = Buffer.from(bytes);
          payload.writeUInt8(0x60, 0);
          payload.writeUInt16BE(payload.length - 40 + lie, 4);
          payload.writeUInt8(nextHeader, 6);
          return payload;
        }),
      fc.constant(stream(1, 60)[0]!),
    );
    const datagram = fc.record({
      payload: packet,
      joined: fc.option(fc.integer({ min: -1, max: 200 }), { nil: undefined }),
    });
    const rig = rig6();
    fc.assert(
      fc.property(fc.array(datagram, { maxLength: 32 }), (datagrams) => {
        const given = datagrams.map(({ payload, joined }) => ({ payload, ...(joined !== undefined && { joined }) }));
        const bytes = given.reduce((sum, { payload }) => sum + payload.length, 0);
        const written = rig.receive(given).map(packetOf);
        for (const inner of written) {
          const version = inner.readUInt8(0) >> 4;
          assert.equal(version === 6 ? 40 + inner.readUInt16BE(4) : inner.readUInt16BE(2), inner.length);
        }
        assert.ok(written.reduce((sum, inner) => sum + inner.length, 0) <= bytes);
      }),
    );
  });
});

/** A datagram whose checksum comes to zero: its payload is chosen so that the sum over all is 0xffff. */
function zeroSum(): Buffer {
  const open = udp6(Buffer.alloc(2));
  open.writeUInt16BE(0, 46);
  open.writeUInt16BE(checksum(pseudoHeader(open), open.subarray(40)), 48);
  return open;
}
