import assert from 'node:assert/strict';
import fc from 'fast-check';
import { socketAddress } from '../../../src/sys/udp-socket.js';
import { needsBuild } from '../../support/built.js';
import {
  ACK,
  checksum,
  CWR,
  encodeTunHeader,
  FIN,
  isRight,
  leavePartial,
  PSH,
  pseudoHeader,
  tcp,
  udp,
} from './support/inner-packet.js';
import { datagramsOf, ModuleRig, PEER } from './support/module-rig.js';

const NEEDS_CSUM = 1;
const TCPV4 = 1;
const none = encodeTunHeader({});

const asRead = (packet: Buffer, header = none): Buffer => Buffer.concat([header, packet]);
const lengths = (rig: ModuleRig, reads: readonly Buffer[]): number[][] =>
  rig.send(reads).messages.map((message) => datagramsOf(message).map(({ length }) => length));
const ofLength = (length: number): Buffer => udp(Buffer.alloc(length - 28, 'x'));

describe('from the device to the wire', () => {
  before(needsBuild);

  it('a packet becomes a datagram to the peer', () => {
    const packet = udp(Buffer.from('hello'));
    const { messages } = new ModuleRig().send([asRead(packet)]);
    assert.equal(messages.length, 1);
    assert.deepEqual(messages[0]!.bytes, packet);
    assert.deepEqual(messages[0]!.to, socketAddress(PEER.address, PEER.port));
  });

  it('nothing leaves while no peer is bound', () => {
    const rig = new ModuleRig({ bound: false });
    assert.deepEqual(rig.send([asRead(udp(Buffer.alloc(10)))]).messages, []);
    assert.equal(rig.module.counters().noPeer, 1);
  });

  it('datagrams of one length in a row are one message, which a shorter one ends', () => {
    const rig = new ModuleRig();
    const reads = [100, 100, 100, 60, 60, 100, 120, 50, 50].map((length) => asRead(ofLength(length)));
    assert.deepEqual(lengths(rig, reads), [[100, 100, 100, 60], [60], [100], [120, 50], [50]]);
  });

  it('a message holds no more than older kernels take', () => {
    const many = Array.from({ length: 64 + 3 }, () => asRead(ofLength(40)));
    assert.deepEqual(
      lengths(new ModuleRig(), many).map(({ length }) => length),
      [64, 3],
    );
    const long = Array.from({ length: 5 }, () => asRead(ofLength(30_000)));
    assert.deepEqual(
      lengths(new ModuleRig(), long).map(({ length }) => length),
      [2, 2, 1],
    );
  });

  it('each datagram is a message of its own where the kernel does not cut messages up', () => {
    const reads = [100, 100, 100].map((length) => asRead(ofLength(length)));
    assert.deepEqual(lengths(new ModuleRig({ segmentation: false }), reads), [[100], [100], [100]]);
  });

  it('without the header of TUN packets are taken as they are', () => {
    const packet = tcp({ payload: Buffer.from('plain') });
    const { messages } = new ModuleRig({ tunHeader: false }).send([packet]);
    assert.deepEqual(messages[0]!.bytes, packet);
  });

  for (const [name, packet, offset] of [
    ['TCP', tcp({ payload: Buffer.from('some odd text') }), 16],
    ['UDP', udp(Buffer.from('some odd text')), 6],
  ] as const) {
    it(`a checksum of ${name} that is left to be done is done`, () => {
      const header = encodeTunHeader({ flags: NEEDS_CSUM, checksumStart: 20, checksumOffset: offset });
      const { messages } = new ModuleRig().send([asRead(leavePartial(packet, offset), header)]);
      assert.deepEqual(messages[0]!.bytes, packet);
    });
  }

  it('a checksum of UDP that comes to zero is sent as all ones', () => {
    // Chosen so that the sum over all is 0xffff.
    const open = udp(Buffer.alloc(2));
    open.writeUInt16BE(0, 26);
    open.writeUInt16BE(checksum(pseudoHeader(open), open.subarray(20)), 28);
    const header = encodeTunHeader({ flags: NEEDS_CSUM, checksumStart: 20, checksumOffset: 6 });
    const { messages } = new ModuleRig().send([asRead(leavePartial(open, 6), header)]);
    assert.equal(messages[0]!.bytes.readUInt16BE(26), 0xffff);
  });

  it('a long TCP packet is cut up into packets that together are the same', () => {
    const fields = fc.record({
      bytes: fc.integer({ min: 1, max: 65_000 }),
      segmentBytes: fc.integer({ min: 48, max: 1460 }),
      sequence: fc.integer({ min: 0, max: 0xffffffff }),
      id: fc.integer({ min: 0, max: 0xffff }),
      flags: fc.constantFrom(ACK, ACK | PSH, ACK | PSH | FIN, ACK | CWR),
      options: fc.constantFrom(0, 12, 40),
      ipOptions: fc.constantFrom(0, 4),
    });
    fc.assert(
      fc.property(fields, ({ bytes, segmentBytes, options, ipOptions, ...rest }) => {
        const payload = Buffer.from(Array.from({ length: bytes }, (_, index) => (index * 31) & 0xff));
        const headerBytes = 40 + options + ipOptions;
        if (headerBytes + bytes > 65_535) return;
        const extra = { options: Buffer.alloc(options, 1), ipOptions: Buffer.alloc(ipOptions, 1) };
        const packet = leavePartial(tcp({ ...rest, ...extra, payload }), 16);
        const header = encodeTunHeader({ flags: NEEDS_CSUM, kind: TCPV4, headerBytes, segmentBytes });
        const datagrams = new ModuleRig().send([asRead(packet, header)]).messages.flatMap(datagramsOf);
        assert.equal(datagrams.length, Math.ceil(bytes / segmentBytes));
        datagrams.forEach((datagram, index) => {
          const isLast = index === datagrams.length - 1;
          assert.ok(isRight(datagram), `checksums of segment ${index}`);
          assert.equal(datagram.readUInt16BE(2), datagram.length);
          assert.equal(datagram.readUInt16BE(4), (rest.id + index) & 0xffff);
          const at = 20 + ipOptions;
          assert.equal(datagram.readUInt32BE(at + 4), (rest.sequence + index * segmentBytes) % 2 ** 32);
          let flags = rest.flags;
          if (!isLast) flags &= ~(FIN | PSH);
          if (index > 0) flags &= ~CWR;
          assert.equal(datagram.readUInt8(at + 13), flags);
        });
        assert.deepEqual(Buffer.concat(datagrams.map((one) => one.subarray(headerBytes))), payload);
      }),
      { numRuns: 60 },
    );
  });

  it('a long packet of a connection with ECN is cut up like any other (VIRTIO_NET_HDR_GSO_ECN)', () => {
    const ECN = 0x80;
    const packet = leavePartial(tcp({ flags: ACK | CWR, payload: Buffer.alloc(3000, 'x') }), 16);
    const header = encodeTunHeader({ flags: NEEDS_CSUM, kind: TCPV4 | ECN, headerBytes: 40, segmentBytes: 1000 });
    const datagrams = new ModuleRig().send([asRead(packet, header)]).messages.flatMap(datagramsOf);
    assert.deepEqual(
      datagrams.map((datagram) => [datagram.length, datagram.readUInt8(33) & CWR]),
      [
        [1040, CWR],
        [1040, 0],
        [1040, 0],
      ],
    );
    assert.ok(datagrams.every(isRight));
  });

  it('what is no whole IPv4 packet is not sent, and counted', () => {
    const packet = udp(Buffer.alloc(20));
    const changed = (change: (bytes: Buffer) => void): Buffer => {
      const bytes = Buffer.from(packet);
      change(bytes);
      return bytes;
    };
    const bad = [
      asRead(changed((bytes) => bytes.writeUInt8(0x65, 0))),
      asRead(changed((bytes) => bytes.writeUInt8(0x44, 0))),
      asRead(changed((bytes) => bytes.writeUInt16BE(21, 2))),
      asRead(packet.subarray(0, 19)),
      Buffer.alloc(3),
      asRead(packet, encodeTunHeader({ kind: 4 })),
      asRead(packet, encodeTunHeader({ kind: TCPV4, segmentBytes: 100 })),
      asRead(tcp({ payload: Buffer.alloc(3000) }), encodeTunHeader({ kind: TCPV4, segmentBytes: 0 })),
      asRead(tcp({ payload: Buffer.alloc(3000) }), encodeTunHeader({ kind: TCPV4, segmentBytes: 1 })),
      asRead(packet, encodeTunHeader({ flags: NEEDS_CSUM, checksumStart: 40, checksumOffset: 16 })),
    ];
    const rig = new ModuleRig();
    assert.deepEqual(rig.send(bad).messages, []);
    assert.equal(rig.module.counters().unsendable, bad.length);
  });

  it('whatever is read, what is sent stays within what was read', () => {
    const reads = fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 20 });
    const rig = new ModuleRig();
    fc.assert(
      fc.property(reads, fc.boolean(), (given, likely) => {
        const all = given.map((bytes) => {
          const read = Buffer.from(bytes);
          if (likely && read.length > 30) read.writeUInt8(0x45, 10);
          if (likely && read.length > 30) read.writeUInt16BE(read.length - 10, 12);
          return read;
        });
        for (const { bytes } of rig.send(all).messages) assert.ok(bytes.length <= 65_507);
      }),
    );
  });

  it('long packets become as many messages as there are segments, and harm nothing else', () => {
    const rig = new ModuleRig({ segmentation: false });
    rig.allow([[0xac1c0001, 0xac1c0001]]);
    const payload = Buffer.from(Array.from({ length: 64_000 }, (_, index) => (index * 31) & 0xff));
    for (const segmentBytes of [48, 536, 1420]) {
      const header = encodeTunHeader({ flags: NEEDS_CSUM, kind: TCPV4, headerBytes: 40, segmentBytes });
      const long = asRead(leavePartial(tcp({ payload }), 16), header);
      const { messages, taken } = rig.send(Array.from({ length: 30 }, () => long));
      assert.equal(messages.length, taken * Math.ceil(payload.length / segmentBytes));
      const sent = Buffer.concat(messages.map(({ bytes }) => bytes.subarray(40)));
      assert.deepEqual(sent, Buffer.concat(Array.from({ length: taken }, () => payload)));
    }
    const packet = udp(Buffer.from('still let in'), { source: '172.28.0.1' });
    assert.deepEqual(rig.receive([{ payload: packet }]), [asRead(packet)]);
    assert.equal(rig.module.counters().foreign, 0);
  });

  it('a batch takes what there is room for, and the next one the rest', () => {
    const header = encodeTunHeader({ flags: NEEDS_CSUM, kind: TCPV4, headerBytes: 40, segmentBytes: 1000 });
    const long = asRead(leavePartial(tcp({ payload: Buffer.alloc(64_000) }), 16), header);
    const rig = new ModuleRig();
    const { messages, taken } = rig.send(Array.from({ length: 30 }, () => long));
    assert.ok(taken > 2 && taken < 30);
    assert.equal(messages.flatMap(datagramsOf).length, taken * 64);
    const smallest = encodeTunHeader({ flags: NEEDS_CSUM, kind: TCPV4, headerBytes: 40, segmentBytes: 48 });
    const cut = rig.send([asRead(leavePartial(tcp({ payload: Buffer.alloc(60_000) }), 16), smallest)]);
    assert.equal(cut.messages.flatMap(datagramsOf).length, 1250);
  });
});
