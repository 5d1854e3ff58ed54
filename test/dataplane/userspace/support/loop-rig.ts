/** A packet loop in its thread, between UDP sockets on loopback and, for the device, one end of a pair of sockets. */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { closeSync, readSync, writeSync } from 'node:fs';
import type { ClassifierScheme } from '../../../../src/core/classifier.js';
import type { AuthPacket } from '../../../../src/dataplane/index.js';
import type { LoopState } from '../../../../src/dataplane/userspace/control-block.js';
import { LoopThread } from '../../../../src/dataplane/userspace/loop-thread.js';
import { addressOf, cFunction, checked } from '../../../../src/sys/libc.js';
import { UdpSocket } from '../../../../src/sys/udp-socket.js';

const AF_UNIX = 1;
const SOCK_DGRAM = 2;
const SOCK_NONBLOCK = 0x800;

/** What a loop works on. */
export interface LoopEnds {
  /** What the loop goes by unless a test changes it: the peer is bound, all inner sources but loopback are let in. */
  readonly state: LoopState;
  /** Bound as the peer. */
  readonly peer: Socket;
  readonly port: number;
  /** What was written to the device so far, in order, since it was last asked for. */
  written(): Buffer[];
  /** Has the device hand out a packet. */
  put(packet: Buffer): void;
  /** Ends as if the device had been deleted. */
  close(): void;
}

export interface LoopRig extends Omit<LoopEnds, 'close'> {
  readonly thread: LoopThread;
  readonly auth: AuthPacket[];
  readonly deaths: string[];
  close(): Promise<void>;
}

/** A UDP port of loopback that nobody has. */
export async function freePort(): Promise<number> {
  const probe = createSocket('udp4').bind(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address();
  await new Promise<void>((resolve) =>
    probe.close(() => {
      resolve();
    }),
  );
  return port;
}

export async function openEnds(): Promise<LoopEnds> {
  const peer = createSocket('udp4').bind(0, '127.0.0.1');
  await once(peer, 'listening');
  const port = await freePort();
  const own = UdpSocket.open({ address: '127.0.0.1', port, fragments: false, bufferBytes: 1 << 20 });
  const pair = Buffer.alloc(8);
  checked(
    'socketpair',
    cFunction('int socketpair(int domain, int type, int protocol, uintptr_t pair)')(
      AF_UNIX,
      SOCK_DGRAM | SOCK_NONBLOCK,
      0,
      addressOf(pair),
    ),
  );
  const [device, farEnd] = [pair.readInt32LE(0), pair.readInt32LE(4)];
  const buffer = Buffer.alloc(65_536);
  return {
    peer,
    port,
    state: {
      stop: false,
      udp: own.fd,
      tun: device,
      tunHeader: false,
      segmentation: true,
      coalescing: own.coalesce(),
      batches: true,
      fragments: false,
      address: 0x7f000001,
      port: peer.address().port,
      letInUntilMs: Infinity,
      mtu: 1472,
      sources: [
        { first: 0, last: 0x7effffff },
        { first: 0x80000000, last: 0xffffffff },
      ],
    },
    written: () => {
      const packets: Buffer[] = [];
      for (;;) {
        try {
          packets.push(Buffer.from(buffer.subarray(0, readSync(farEnd, buffer))));
        } catch {
          return packets;
        }
      }
    },
    put: (packet) => {
      writeSync(farEnd, packet);
    },
    close: () => {
      own.close();
      closeSync(device);
      closeSync(farEnd);
      peer.close();
    },
  };
}

export async function openLoop(schemes: readonly ClassifierScheme[], queueLength = 24): Promise<LoopRig> {
  const ends = await openEnds();
  const auth: AuthPacket[] = [];
  const deaths: string[] = [];
  const thread = new LoopThread({
    schemes,
    ipv6: undefined,
    queueLength,
    monotonicMs: () => performance.now(),
    onAuthPacket: (packet) => auth.push(packet),
    onDeviceLost: () => undefined,
    onTooLong: () => undefined,
    onNoSegmentation: () => undefined,
    onSegmentationPaused: () => undefined,
    onDeath: (reason) => deaths.push(reason),
  });
  await thread.start(ends.state);
  return {
    ...ends,
    thread,
    auth,
    deaths,
    close: async () => {
      await thread.stop(ends.state);
      ends.close();
    },
  };
}
