import assert from 'node:assert/strict';
import fc from 'fast-check';
import { parseIpv6 } from '../../../src/netlink/ip-address.js';
import { needsBuild } from '../../support/built.js';
import {
  ACK,
  checksum,
  CWR,
  encodeTunHeader,
  FIN,
  ipv6,
  isRight,
  leavePartial,
  PSH,
  pseudoHeader,
  tcp6,
  udp,
  udp6,
} from './support/inner-packet.js';
import { ANY_IPV6, datagramsOf, ModuleRig } from './support/module-rig.js';

const NEEDS_CSUM = 1;
const TCPV6 = 4;
const ICMPV6 = 58;
const none = encodeTunHeader({});

const asRead = (packet: Buffer, header = none): Buffer => Buffer.concat([header, packet]);
const rig6 = (more: { readonly tunHeader?: boolean; readonly bound?: boolean } = {}): ModuleRig =>
  new ModuleRig({ ipv6: ANY_IPV6, ...more });

describe('IPv6 from the device to the wire', () => {
  before(needsBuild);

  it('a packet becomes a datagram that holds it and nothing else', () => {
    for (const packet of [udp6(Buffer.from('hello')), ipv6(ICMPV6, Buffer.alloc(8), undefined)]) {
      assert.deepEqual(rig6().send([asRead(packet)]).messages[0]?.bytes, packet);
      assert.deepEqual(rig6({ tunHeader: false }).send([packet]).messages[0]?.bytes, packet);
    }
  });

  it('packets of both versions and one length leave in one message', () => {
    const packets = [udp6(Buffer.alloc(60)), udp(Buffer.alloc(80))];
    const { messages } = rig6().send(packets.map((packet) => asRead(packet)));
    assert.equal(messages.length, 1);
    assert.deepEqual(datagramsOf(messages[0]!), packets);
  });

  it('nothing leaves by a tunnel that carries IPv4 alone', () => {
    const rig = new ModuleRig();
    assert.deepEqual(rig.send([asRead(udp6(Buffer.alloc(8)))]).messages, []);
    assert.equal(rig.module.counters().unsendable, 1);
    assert.equal(rig.module.counters().forNeighbours, 0);
  });

  it('what is for neighbours, or from one, does not leave, and is not told as refused', () => {
    const between = (source: string, destination: string): Buffer =>
      ipv6(ICMPV6, Buffer.alloc(8), undefined, { source, destination });
    const noise = [
      between('fe80::1', 'ff02::2'),
      between('::', 'ff02::16'),
      between('::', 'fd00::1'),
      between('fd00::1', 'ff02::1:ff00:2'),
      between('fd00::1', 'ff0e::1'),
      between('fe80::1', 'fd00::2'),
      between('febf::1', 'fd00::2'),
      between('fd00::1', 'fe80::2'),
    ];
    for (const tunHeader of [true, false]) {
      for (const bound of [true, false]) {
        const rig = rig6({ tunHeader, bound });
        assert.deepEqual(rig.send(noise.map((packet) => (tunHeader ? asRead(packet) : packet))).messages, []);
        const { forNeighbours, noPeer, unsendable } = rig.module.counters();
        assert.deepEqual([forNeighbours, noPeer, unsendable], [noise.length, 0, 0]);
      }
    }
    const beside = [between('fec0::1', 'fd00::2'), between('fd00::1', 'fe40::2'), between('fd00::1', 'fe00::2')];
    assert.equal(
      rig6()
        .send(beside.map((packet) => asRead(packet)))
        .messages.flatMap(datagramsOf).length,
      3,
    );
  });

  for (const [name, packet, offset] of [
    ['TCP', tcp6({ payload: Buffer.from('some odd text') }), 16],
    ['UDP', udp6(Buffer.from('some odd text')), 6],
    ['TCP behind extension headers', tcp6({ payload: Buffer.from('some odd text'), extensions: [0, 60] }), 16],
  ] as const) {
    it(`a checksum of ${name} that is left to be done is done`, () => {
      const checksumStart = name.includes('behind') ? 56 : 40;
      const header = encodeTunHeader({ flags: NEEDS_CSUM, checksumStart, checksumOffset: offset });
      const { messages } = rig6().send([asRead(leavePartial(packet, offset), header)]);
      assert.deepEqual(messages[0]?.bytes, packet);
      assert.ok(isRight(packet));
    });
  }

  it('a checksum of UDP that comes to zero is sent as all ones', () => {
    const open = udp6(Buffer.alloc(2));
    open.writeUInt16BE(0, 46);
    // Chosen so that the sum over all is 0xffff.
    open.writeUInt16BE(checksum(pseudoHeader(open), open.subarray(40)), 48);
    const header = encodeTunHeader({ flags: NEEDS_CSUM, checksumStart: 40, checksumOffset: 6 });
    const { messages } = rig6().send([asRead(leavePartial(open, 6), header)]);
    assert.equal(messages[0]?.bytes.readUInt16BE(46), 0xffff);
  });

  it('a long TCP packet is cut up into packets that together are the same', () => {
    const fields = fc.record({
      bytes: fc.integer({ min: 1, max: 65_000 }),
      segmentBytes: fc.integer({ min: 48, max: 1440 }),
      sequence: fc.integer({ min: 0, max: 0xffffffff }),
      flags: fc.constantFrom(ACK, ACK | PSH, ACK | PSH | FIN, ACK | CWR),
      flowLabel: fc.integer({ min: 0, max: 0xfffff }),
      tos: fc.integer({ min: 0, max: 0xff }),
      options: fc.constantFrom(0, 12, 40),
      // Hop-by-hop and destination options, a routing header.
      extensions: fc.constantFrom([], [], [0], [0, 43, 60]),
    });
    fc.assert(
      fc.property(fields, ({ bytes, segmentBytes, options, ...rest }) => {
        const payload = Buffer.from(Array.from({ length: bytes }, (_, index) => (index * 31) & 0xff));
        const tcpAt = 40 + 8 * rest.extensions.length;
        const headerBytes = tcpAt + 20 + options;
        if (headerBytes + bytes > 65_535) return;
        const packet = leavePartial(tcp6({ ...rest, options: Buffer.alloc(options, 1), payload }), 16);
        const header = encodeTunHeader({
          flags: NEEDS_CSUM,
          kind: TCPV6,
          headerBytes,
          segmentBytes,
          checksumStart: tcpAt,
          checksumOffset: 16,
        });
        const datagrams = rig6()
          .send([asRead(packet, header)])
          .messages.flatMap(datagramsOf);
        assert.equal(datagrams.length, Math.ceil(bytes / segmentBytes));
        datagrams.forEach((datagram, index) => {
          const isLast = index === datagrams.length - 1;
          assert.ok(isRight(datagram), `checksum of segment ${index}`);
          assert.equal(datagram.readUInt16BE(4), datagram.length - 40);
          assert.deepEqual(datagram.subarray(0, 4), packet.subarray(0, 4));
          assert.deepEqual(datagram.subarray(6, tcpAt), packet.subarray(6, tcpAt));
          assert.equal(datagram.readUInt32BE(tcpAt + 4), (rest.sequence + index * segmentBytes) % 2 ** 32);
          let flags = rest.flags;
          if (!isLast) flags &= ~(FIN | PSH);
          if (index > 0) flags &= ~CWR;
          assert.equal(datagram.readUInt8(tcpAt + 13), flags);
        });
        assert.deepEqual(Buffer.concat(datagrams.map((one) => one.subarray(headerBytes))), payload);
      }),
      { numRuns: 60 },
    );
  });

  it('segments of a packet that is routed on its way have the checksum that its last destination wants', () => {
    const ROUTING = 43;
    const last = parseIpv6('fd00::9');
    const packet = leavePartial(
      tcp6({ destination: 'fd00::9', extensions: [ROUTING], payload: Buffer.alloc(2500, 'x') }),
      16,
    );
    packet.set(parseIpv6('fd00::77'), 24);
    const header = encodeTunHeader({ flags: NEEDS_CSUM, kind: TCPV6, segmentBytes: 1000, checksumStart: 48 });
    const datagrams = rig6()
      .send([asRead(packet, header)])
      .messages.flatMap(datagramsOf);
    assert.equal(datagrams.length, 3);
    for (const datagram of datagrams) {
      assert.ok(!isRight(datagram));
      datagram.set(last, 24);
      assert.ok(isRight(datagram));
    }
  });

  it('what is no whole IPv6 packet is not sent, and counted', () => {
    const packet = udp6(Buffer.alloc(20));
    const long = tcp6({ payload: Buffer.alloc(3000) });
    const changed = (change: (bytes: Buffer) => void): Buffer => {
      const bytes = Buffer.from(packet);
      change(bytes);
      return bytes;
    };
    const gso = (fields: Parameters<typeof encodeTunHeader>[0]): Buffer =>
      encodeTunHeader({ flags: NEEDS_CSUM, kind: TCPV6, segmentBytes: 100, checksumStart: 40, ...fields });
    const bad = [
      asRead(changed((bytes) => bytes.writeUInt8(0x75, 0))),
      asRead(changed((bytes) => bytes.writeUInt16BE(29, 4))),
      asRead(changed((bytes) => bytes.writeUInt16BE(27, 4))),
      asRead(packet.subarray(0, 39)),
      asRead(packet, encodeTunHeader({ flags: NEEDS_CSUM, checksumStart: 60, checksumOffset: 16 })),
      // Not TCP; no place, no length, no room for the segments; longer headers than there is room for.
      asRead(packet, gso({})),
      asRead(long, gso({ checksumStart: 39 })),
      asRead(long, gso({ checksumStart: 5000 })),
      asRead(long, gso({ segmentBytes: 0 })),
      asRead(long, gso({ segmentBytes: 1 })),
      asRead(long, gso({ flags: 0 })),
      asRead(
        tcp6({ payload: Buffer.alloc(3000), extensions: Array<number>(12).fill(60) }),
        gso({ checksumStart: 136 }),
      ),
    ];
    const rig = rig6();
    assert.deepEqual(rig.send(bad).messages, []);
    assert.equal(rig.module.counters().unsendable, bad.length);
  });

  it('whatever is read, what is sent stays within what was read', () => {
    const read = fc.tuple(
      fc.uint8Array({ maxLength: 300 }),
      fc.constantFrom(0, TCPV6),
      fc.integer({ min: 0, max: 200 }),
      fc.integer({ min: 0, max: 200 }),
    );
    const rig = rig6();
    fc.assert(
      fc.property(fc.array(read, { maxLength: 20 }), (given) => {
        const all = given.map(([bytes, kind, checksumStart, segmentBytes]) => {
          const packet = Buffer.from(bytes);
          if (packet.length > 60) {
            packet.writeUInt8(0x60, 0);
            packet.writeUInt16BE(packet.length - 40, 4);
          }
          const header = encodeTunHeader({ flags: NEEDS_CSUM, kind, checksumStart, checksumOffset: 16, segmentBytes });
          return asRead(packet, header);
        });
        const total = all.reduce((sum, { length }) => sum + length, 0);
        const sent = rig.send(all).messages.flatMap(datagramsOf);
        for (const datagram of sent) {
          assert.ok(datagram.length <= 65_507);
          assert.equal(datagram.readUInt8(0) >> 4, 6);
          assert.equal(datagram.readUInt16BE(4) + 40, datagram.length);
        }
        // Each segment brings its headers along.
        assert.ok(sent.reduce((sum, { length }) => sum + length, 0) <= total * 129);
      }),
    );
  });
});
