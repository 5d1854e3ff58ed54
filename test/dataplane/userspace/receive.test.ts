import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { CounterName } from '../../../src/dataplane/userspace/counters.js';
import { needsBuild } from '../../support/built.js';
import {
  ACK,
  checksum,
  decodeTunHeader,
  FIN,
  ipv4,
  isRight,
  leavePartial,
  pseudoHeader,
  PSH,
  tcp,
  udp,
  type TcpFields,
} from './support/inner-packet.js';
import { datagramsOf, ModuleRig, PEER, type Datagram } from './support/module-rig.js';

const TUN_HEADER = 10;
const NEEDS_CSUM = 1;
const TCPV4 = 1;
const UDP_L4 = 5;

const packetOf = (written: Buffer): Buffer => written.subarray(TUN_HEADER);
const headerOf = (written: Buffer) => decodeTunHeader(written);
const each = (packets: readonly Buffer[]): Datagram[] => packets.map((payload) => ({ payload }));
const alone = (packet: Buffer): Buffer => Buffer.concat([Buffer.alloc(TUN_HEADER), packet]);

/** Segments of one connection, one behind the other. */
function stream(count: number, segmentBytes: number, fields: TcpFields = {}, lastBytes = segmentBytes): Buffer[] {
  return Array.from({ length: count }, (_, index) => {
    const isLast = index === count - 1;
    return tcp({
      id: index,
      ...fields,
      flags: isLast ? (fields.flags ?? ACK) : ACK,
      sequence: (fields.sequence ?? 1) + index * segmentBytes,
      payload: Buffer.alloc(isLast ? lastBytes : segmentBytes, index + 1),
    });
  });
}

describe('from the wire to the device', () => {
  before(needsBuild);

  it('a packet of the bound endpoint is written as it is', () => {
    for (const packet of [
      udp(Buffer.from('hello')),
      tcp(),
      ipv4(1, Buffer.alloc(8), undefined),
      ipv4(47, Buffer.alloc(4), undefined),
    ]) {
      assert.deepEqual(new ModuleRig().receive([{ payload: packet }]), [alone(packet)]);
      assert.deepEqual(new ModuleRig({ tunHeader: false }).receive([{ payload: packet }]), [packet]);
    }
  });

  it('datagrams that the kernel joined are taken apart', () => {
    const packets = [1, 2, 3].map((value) => udp(Buffer.alloc(100, value)));
    const last = udp(Buffer.alloc(40, 4));
    const written = new ModuleRig().receive([
      { payload: Buffer.concat([...packets, last]), joined: packets[0]!.length },
    ]);
    assert.deepEqual(written, [...packets, last].map(alone));
  });

  describe('is dropped and counted', () => {
    const packet = udp(Buffer.alloc(60, 'x'));
    const changed = (change: (bytes: Buffer) => void): Buffer => {
      const bytes = Buffer.from(packet);
      change(bytes);
      return bytes;
    };
    const cases: readonly (readonly [string, CounterName, Datagram])[] = [
      ['from another address', 'unbound', { payload: packet, from: { ...PEER, address: '192.0.2.8' } }],
      ['from another port', 'unbound', { payload: packet, from: { ...PEER, port: 4322 } }],
      ['cut by the kernel', 'cut', { payload: packet, cut: true }],
      ['empty', 'unrecognised', { payload: Buffer.alloc(0) }],
      ['of IPv6', 'unrecognised', { payload: changed((bytes) => bytes.writeUInt8(0x60, 0)) }],
      ['of one byte', 'malformed', { payload: Buffer.of(0x45) }],
      ['shorter than a header', 'malformed', { payload: packet.subarray(0, 19) }],
      ['with a header of four words', 'malformed', { payload: changed((bytes) => bytes.writeUInt8(0x44, 0)) }],
      [
        'with a header longer than itself',
        'malformed',
        {
          payload: changed((bytes) => {
            bytes.writeUInt8(0x4f, 0);
            bytes.writeUInt16BE(40, 2);
          }),
        },
      ],
      [
        'that says it is longer than it is',
        'malformed',
        { payload: changed((bytes) => bytes.writeUInt16BE(packet.length + 1, 2)) },
      ],
      [
        'that says it is shorter than its header',
        'malformed',
        { payload: changed((bytes) => bytes.writeUInt16BE(19, 2)) },
      ],
    ];
    for (const [name, counter, datagram] of cases) {
      it(`a packet ${name}`, () => {
        const rig = new ModuleRig();
        assert.deepEqual(rig.receive([datagram]), []);
        assert.equal(rig.module.counters()[counter], 1);
        assert.equal(rig.module.counters().inPackets, 0);
      });
    }

    it('a packet with an inner source that is not allowed', () => {
      const rig = new ModuleRig();
      rig.allow([
        [0x0a000000, 0x0affffff],
        [0xac1c0001, 0xac1c0001],
      ]);
      const from = (source: string): Datagram => ({ payload: udp(Buffer.alloc(9), { source }) });
      const sources = [
        '10.0.0.0',
        '10.255.255.255',
        '172.28.0.1',
        '172.28.0.0',
        '172.28.0.2',
        '9.255.255.255',
        '11.0.0.0',
      ];
      assert.equal(rig.receive(sources.map(from)).length, 3);
      assert.equal(rig.module.counters().foreign, 4);
      rig.allow([]);
      assert.deepEqual(rig.receive(sources.map(from)), []);
    });

    it('everything while no endpoint is bound', () => {
      assert.deepEqual(new ModuleRig({ bound: false }).receive([{ payload: packet }]), []);
    });
  });

  it('what follows the inner packet is left away', () => {
    const packet = udp(Buffer.alloc(60, 'x'));
    const written = new ModuleRig().receive([{ payload: Buffer.concat([packet, Buffer.alloc(9)]) }]);
    assert.deepEqual(written, [alone(packet)]);
  });

  it('asks about packets of the lengths that auth packets have, and goes by the answer', () => {
    const rig = new ModuleRig();
    rig.module.exports.rxAskLength(88);
    const packet = udp(Buffer.alloc(60));
    const asked: [Buffer, boolean][] = [];
    const written = rig.receive(
      [
        { payload: packet },
        { payload: packet, from: { ...PEER, port: 1 } },
        { payload: udp(Buffer.alloc(61)) },
        { payload: packet },
      ],
      (payload, isBound) => {
        asked.push([payload, isBound]);
        return asked.length === 1;
      },
    );
    assert.equal(written.length, 2);
    assert.deepEqual(asked, [
      [packet, true],
      [packet, false],
      [packet, true],
    ]);
  });

  it('does not take for a packet what an asker called data, and is none', () => {
    const rig = new ModuleRig();
    rig.module.exports.rxAskAll();
    assert.deepEqual(
      rig.receive([{ payload: Buffer.alloc(0) }, { payload: Buffer.alloc(3) }], () => true),
      [],
    );
    assert.equal(rig.module.counters().malformed, 2);
  });

  describe('joining', () => {
    it('makes one long packet of segments that follow each other', () => {
      const packets = stream(5, 1000, { flags: ACK | PSH, sequence: 0xffffff00 }, 300);
      const written = new ModuleRig().receive(each(packets));
      assert.equal(written.length, 1);
      const header = headerOf(written[0]!);
      assert.deepEqual(
        [
          header.flags,
          header.kind,
          header.headerBytes,
          header.segmentBytes,
          header.checksumStart,
          header.checksumOffset,
        ],
        [NEEDS_CSUM, TCPV4, 40, 1000, 20, 16],
      );
      assert.equal(packetOf(written[0]!).length, 40 + 4300);
      assert.equal(packetOf(written[0]!).readUInt8(33), ACK | PSH);
    });

    it('does not happen without the header of TUN', () => {
      const packets = stream(3, 1000);
      assert.deepEqual(new ModuleRig({ tunHeader: false }).receive(each(packets)), packets);
    });

    const second = (fields: TcpFields): Buffer => tcp({ sequence: 101, payload: Buffer.alloc(100, 2), ...fields });
    const first = tcp({ payload: Buffer.alloc(100, 1) });
    const spoil = (packet: Buffer, at: number): Buffer => {
      const bytes = Buffer.from(packet);
      bytes.writeUInt8(bytes.readUInt8(at) ^ 1, at);
      return bytes;
    };
    const hostile: Record<string, Buffer> = {
      'a gap': second({ sequence: 102 }),
      'an overlap': second({ sequence: 100 }),
      'the same again': second({ sequence: 1 }),
      'another acknowledgement': second({ acknowledgement: 78 }),
      'another window': second({ window: 501 }),
      'another urgent pointer': second({ urgent: 1 }),
      options: second({ options: Buffer.from([1, 1, 1, 1]) }),
      'another time to live': second({ ttl: 63 }),
      'another type of service': second({ tos: 3 }),
      'no flag against fragments': second({ fragment: 0 }),
      'a first fragment': second({ fragment: 0x2000 }),
      'a later fragment': second({ fragment: 0x0007 }),
      'options of IP': second({ ipOptions: Buffer.from([1, 1, 1, 1]) }),
      'another port': second({ sourcePort: 1001 }),
      'another source': second({ source: '172.28.0.3' }),
      'another destination': second({ destination: '172.28.0.3' }),
      'no payload': second({ payload: Buffer.alloc(0) }),
      'a longer payload': second({ payload: Buffer.alloc(101) }),
      'a wrong checksum': spoil(second({}), 50),
      'a wrong header checksum': spoil(second({}), 10),
      FIN: second({ flags: ACK | FIN }),
      SYN: second({ flags: ACK | 2 }),
      RST: second({ flags: ACK | 4 }),
      URG: second({ flags: ACK | 0x20 }),
      ECE: second({ flags: ACK | 0x40 }),
      CWR: second({ flags: ACK | 0x80 }),
      'no ACK': second({ flags: 0 }),
      'another protocol': ipv4(47, second({}).subarray(20), undefined),
    };
    for (const [name, packet] of Object.entries(hostile)) {
      it(`is not done to a packet with ${name}`, () => {
        const written = new ModuleRig().receive(each([first, packet]));
        assert.deepEqual(
          written.map((one) => one.toString('hex')).sort(),
          [alone(first), alone(packet)].map((one) => one.toString('hex')).sort(),
        );
      });
    }

    const alike: Record<string, TcpFields> = {
      'the beginnings of fragmented packets': { fragment: 0x2000 },
      'later fragments': { fragment: 0x0007 },
      'segments with a reserved bit': { reserved: 1 },
    };
    for (const [name, fields] of Object.entries(alike)) {
      it(`is not done to ${name}, alike as they are`, () => {
        const packets = [tcp({ payload: Buffer.alloc(100, 1), ...fields }), second(fields)];
        const written = new ModuleRig().receive(each(packets));
        assert.deepEqual(
          written.map((one) => one.toString('hex')),
          packets.map((one) => alone(one).toString('hex')),
        );
      });
    }

    it('keeps the order within a connection whatever comes between', () => {
      const [one, two] = stream(2, 100);
      const fin = tcp({ sequence: 201, flags: ACK | FIN });
      const late = tcp({ sequence: 201, payload: Buffer.alloc(100) });
      const written = new ModuleRig().receive(each([one!, two!, fin, late]));
      assert.deepEqual(
        written.map((packet) => packetOf(packet).length),
        [240, 40, 140],
      );
    });

    it('joins many connections at a time, and more than it can hold without loss', () => {
      const connections = Array.from({ length: 30 }, (_, index) => stream(2, 50, { sourcePort: 3000 + index }));
      const rounds = [0, 1].flatMap((round) => connections.map((packets) => packets[round]!));
      // A batch has 32 datagrams.
      const rig = new ModuleRig();
      const joined = Buffer.concat(rounds);
      const written = rig.receive([{ payload: joined, joined: rounds[0]!.length }]);
      const bytes = written.reduce((sum, packet) => sum + packetOf(packet).length - 40, 0);
      assert.equal(bytes, 30 * 2 * 50);
      const few = connections.slice(0, 16);
      const both = new ModuleRig().receive(each([0, 1].flatMap((round) => few.map((packets) => packets[round]!))));
      assert.equal(both.length, 16);
    });

    it('ends with what an IPv4 packet can hold', () => {
      const packets = stream(60, 1400);
      const written = new ModuleRig().receive([
        { payload: Buffer.concat(packets.slice(0, 45)), joined: 1440 },
        { payload: Buffer.concat(packets.slice(45)), joined: 1440 },
      ]);
      assert.equal(written.length, 2);
      assert.ok(written.every((packet) => packetOf(packet).length <= 65_535));
      assert.equal(
        written.reduce((sum, packet) => sum + packetOf(packet).length - 40, 0),
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
        spoil: fc.constantFrom(false, false, false, true),
      });
      fc.assert(
        fc.property(fc.array(step, { maxLength: 32 }), (steps) => {
          const next = [1000, 2 ** 32 - 200, 5];
          const packets = steps.map(({ connection, bytes, flags, gap, window, options, spoil: isSpoilt }) => {
            const sequence = (next[connection]! + gap) >>> 0;
            next[connection] = sequence + bytes;
            const fields = { sourcePort: 100 + connection, sequence, flags, window, options: Buffer.alloc(options, 1) };
            const packet = tcp({ ...fields, payload: Buffer.alloc(bytes, connection) });
            return isSpoilt ? spoil(packet, 33) : packet;
          });
          const rig = new ModuleRig();
          const written = rig.receive(each(packets));
          const cut = written.flatMap((one) =>
            headerOf(one).kind === 0 ? [packetOf(one)] : rig.send([one]).messages.flatMap(datagramsOf),
          );
          const ofConnection = (all: readonly Buffer[], port: number): string[] =>
            all.filter((packet) => packet.readUInt16BE(20) === port).map(withoutId);
          for (const port of [100, 101, 102]) assert.deepEqual(ofConnection(cut, port), ofConnection(packets, port));
        }),
        { numRuns: 300 },
      );
    });
  });

  describe('a checksum that a kernel on this host left to be done', () => {
    it('is left to the device, TCP and UDP alike', () => {
      for (const [packet, offset] of [
        [tcp({ payload: Buffer.from('odd') }), 16],
        [udp(Buffer.from('odd')), 6],
      ] as const) {
        const partial = leavePartial(packet, offset);
        const [written] = new ModuleRig().receive([{ payload: partial }]);
        const header = headerOf(written!);
        assert.deepEqual(
          [header.flags, header.kind, header.checksumStart, header.checksumOffset],
          [NEEDS_CSUM, 0, 20, offset],
        );
        assert.deepEqual(packetOf(written!), partial);
      }
    });

    it('is all ones where the device can not, and the sum of UDP comes to zero', () => {
      // Chosen so that the sum over all is 0xffff.
      const open = udp(Buffer.alloc(2));
      open.writeUInt16BE(0, 26);
      open.writeUInt16BE(checksum(pseudoHeader(open), open.subarray(20)), 28);
      const [written] = new ModuleRig({ tunHeader: false }).receive([{ payload: leavePartial(open, 6) }]);
      assert.equal(written?.readUInt16BE(26), 0xffff);
    });

    it('is done where the device can not', () => {
      for (const [packet, offset] of [
        [tcp({ payload: Buffer.from('odd') }), 16],
        [udp(Buffer.from('odd')), 6],
      ] as const) {
        const written = new ModuleRig({ tunHeader: false }).receive([{ payload: leavePartial(packet, offset) }]);
        assert.deepEqual(written, [packet]);
      }
    });

    it('comes with a packet that was not cut up yet, which the device cuts up', () => {
      const partial = leavePartial(tcp({ payload: Buffer.alloc(30_000, 'x') }), 16);
      const [written] = new ModuleRig({ mtu: 1472 }).receive([{ payload: partial }]);
      const header = headerOf(written!);
      assert.deepEqual(
        [header.flags, header.kind, header.headerBytes, header.segmentBytes],
        [NEEDS_CSUM, TCPV4, 40, 1432],
      );
    });

    it('comes with datagrams that were not cut up yet, although their length looks like a joined run', () => {
      const partial = leavePartial(udp(Buffer.alloc(5000, 'x')), 6);
      const [written, ...more] = new ModuleRig().receive([{ payload: partial, joined: 1000 }]);
      assert.equal(more.length, 0);
      const header = headerOf(written!);
      assert.deepEqual([header.flags, header.kind, header.segmentBytes], [NEEDS_CSUM, UDP_L4, 1000]);
    });

    for (const [name, lie] of [
      ['says nothing of its checksum', (packet: Buffer) => packet],
      ['leaves its checksum to be done', (packet: Buffer) => leavePartial(packet, 6)],
    ] as const) {
      it(`is no run of datagrams whose first lies about its length and ${name}: it swallows none of the others`, () => {
        const honest = [udp(Buffer.alloc(272, 'a')), udp(Buffer.alloc(272, 'b')), udp(Buffer.alloc(272, 'c'))];
        const liar = udp(Buffer.alloc(272, 'l'));
        const bytes = 4 * liar.length;
        liar.writeUInt16BE(bytes, 2);
        liar.writeUInt16BE(bytes - 20, 24);
        liar.writeUInt16BE(0, 10);
        liar.writeUInt16BE(checksum(liar.subarray(0, 20)), 10);
        // What would stand there if all of it were one packet.
        const run = Buffer.concat([lie(Buffer.concat([liar, ...honest])).subarray(0, liar.length), ...honest]);
        const rig = new ModuleRig();
        const written = rig.receive([{ payload: run, joined: liar.length }]);
        assert.deepEqual(
          written.map((packet) => packet.subarray(10)),
          honest,
        );
        assert.equal(rig.module.counters().malformed, 1);
      });
    }

    it('is not taken for one where the packet is whole and right', () => {
      const packet = udp(Buffer.from('right'));
      assert.ok(isRight(packet));
      assert.equal(headerOf(new ModuleRig().receive([{ payload: packet }])[0]!).flags, 0);
    });
  });

  it('whatever arrives, in any number and order, is written whole or not at all', () => {
    const packet = fc.oneof(
      fc.uint8Array({ maxLength: 120 }).map((bytes) => Buffer.from(bytes)),
      fc.uint8Array({ minLength: 24, maxLength: 120 }).map((bytes) => {
        const payload = Buffer.from(bytes);
        payload.writeUInt8(0x45, 0);
        payload.writeUInt16BE(payload.length, 2);
        return payload;
      }),
      fc.constant(stream(1, 60)[0]!),
    );
    const datagram = fc.record({
      payload: packet,
      joined: fc.option(fc.integer({ min: -1, max: 200 }), { nil: undefined }),
    });
    const rig = new ModuleRig();
    fc.assert(
      fc.property(fc.array(datagram, { maxLength: 32 }), (datagrams) => {
        const given = datagrams.map(({ payload, joined }) => ({ payload, ...(joined !== undefined && { joined }) }));
        const bytes = given.reduce((sum, { payload }) => sum + payload.length, 0);
        const written = rig.receive(given);
        for (const one of written) {
          const inner = packetOf(one);
          assert.equal(inner.readUInt8(0) >> 4, 4);
          assert.equal(inner.readUInt16BE(2), inner.length);
        }
        assert.ok(written.reduce((sum, one) => sum + packetOf(one).length, 0) <= bytes);
      }),
    );
  });
});

/** As text, less what joining and cutting up may change. */
function withoutId(packet: Buffer): string {
  const bytes = Buffer.from(packet);
  bytes.writeUInt16BE(0, 4);
  bytes.writeUInt16BE(0, 10);
  return bytes.toString('hex');
}
