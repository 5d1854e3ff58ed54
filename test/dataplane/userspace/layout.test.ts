/** Regions of the packet module's memory, as assembly/layout.ts lays them out. */
import assert from 'node:assert/strict';
import { packetModule } from '../../../src/dataplane/userspace/assets.js';
import { MAX_RANGES } from '../../../src/dataplane/userspace/control-block.js';
import { COUNTER_NAMES } from '../../../src/dataplane/userspace/counters.js';
import { MAX_PREFIXES } from '../../../src/dataplane/userspace/inner6-sources.js';
import { PacketModule } from '../../../src/dataplane/userspace/packet-module.js';
import { needsBuild } from '../../support/built.js';
import { udp } from './support/inner-packet.js';

/** Iovecs of a segment: its headers and its payload. */
const SEGMENT_IOVECS = 2;
const POLLED = 3;
/** An IPv4 packet, and the header of TUN. */
const LONGEST_READ = 65_535 + 10;

describe('the memory of the packet module', () => {
  before(needsBuild);

  let module: PacketModule;
  beforeEach(() => {
    module = new PacketModule(packetModule());
  });
  /** A constant of layout.ts. */
  const of = (name: string): number =>
    (module.exports as unknown as Record<string, { readonly value: number }>)[name]!.value;

  it('has no two regions in one place, each with room for the most that it ever holds', () => {
    const { bytes } = module;
    const regions: readonly (readonly [name: string, bytes: number])[] = [
      ['RX_MESSAGES', of('RX_SLOTS') * of('MMSGHDR_BYTES')],
      ['RX_IOVECS', of('RX_SLOTS') * of('IOVEC_BYTES')],
      ['RX_NAMES', of('RX_SLOTS') * of('SOCKADDR_BYTES')],
      ['RX_CONTROLS', of('RX_SLOTS') * of('RX_CONTROL_BYTES')],
      ['RX_BUFFERS', of('RX_SLOTS') * of('RX_BUFFER_BYTES')],
      ['POLL_FDS', POLLED * 8],
      ['SCRATCH', 8],
      ['TX_NAME', of('SOCKADDR_BYTES')],
      ['SINGLE_HEADER', of('VNET_HEADER_BYTES')],
      ['SINGLE_IOVECS', 2 * of('IOVEC_BYTES')],
      ['COUNTERS', of('COUNTER_COUNT') * 8],
      ['FLOWS', of('FLOW_SLOTS') * of('FLOW_BYTES')],
      ['FLOW_HEADERS', of('FLOW_SLOTS') * of('FLOW_HEADER_BYTES')],
      ['FLOW_IOVECS', of('FLOW_SLOTS') * of('FLOW_MAX_IOVECS') * of('IOVEC_BYTES')],
      ['RANGES', of('MAX_RANGES') * 8],
      ['PREFIXES', of('MAX_PREFIXES') * of('PREFIX_BYTES')],
      ['TX_IOVECS', of('TX_MAX_SEGMENTS') * SEGMENT_IOVECS * of('IOVEC_BYTES')],
      ['TX_HEADERS', of('TX_MAX_SEGMENTS') * of('TX_HEADER_BYTES')],
      ['TX_BUFFER', of('TX_BUFFER_END') - of('TX_BUFFER')],
      ['TX_MESSAGES', of('TX_MAX_SEGMENTS') * of('MMSGHDR_BYTES')],
      ['TX_CONTROLS', of('TX_MAX_SEGMENTS') * of('TX_CONTROL_BYTES')],
    ];
    const sorted = regions.map(([name, size]) => ({ name, start: of(name), end: of(name) + size }));
    sorted.sort((one, other) => one.start - other.start);
    sorted.forEach(({ name, end }, index) => {
      const next = sorted[index + 1];
      assert.ok(end <= (next?.start ?? bytes.length), `${name} reaches into ${next?.name ?? 'nowhere'}`);
    });
    assert.equal(bytes.length, of('MEMORY_PAGES') * of('PAGE_BYTES'));
  });

  it('has room for as many sources as the loop is told of', () => {
    assert.deepEqual([of('MAX_RANGES'), of('MAX_PREFIXES')], [MAX_RANGES, MAX_PREFIXES]);
    assert.equal(of('COUNTER_COUNT'), COUNTER_NAMES.length);
  });

  it('is asked to hold a packet only where there is room for the longest', () => {
    const { exports, bytes } = module;
    exports.txSetUp(0n, 0, 0);
    exports.txSetPeer(1, 1, 1);
    exports.txBegin();
    const packet = udp(Buffer.alloc(10_000));
    let asked = 0;
    for (let at = exports.txAt(); at !== 0; at = exports.txAt()) {
      assert.ok(at >= of('TX_BUFFER') && at + LONGEST_READ <= of('TX_BUFFER_END'), `${asked}: ${at}`);
      bytes.set(packet, at);
      exports.txPacket(packet.length);
      asked += 1;
    }
    assert.ok(asked > 10, String(asked));
    exports.txEnd();
  });
});
