import assert from 'node:assert/strict';
import koffi from 'koffi';
import { packetModule } from '../../../src/dataplane/userspace/assets.js';
import { ControlBlock, type LoopState } from '../../../src/dataplane/userspace/control-block.js';
import type { LoopMessage } from '../../../src/dataplane/userspace/messages.js';
import { PacketLoop } from '../../../src/dataplane/userspace/packet-loop.js';
import { EventFd } from '../../../src/sys/event-fd.js';
import { UdpSocket } from '../../../src/sys/udp-socket.js';
import { packetCalls } from '../../../src/sys/packet-calls.js';
import { until } from '../../support/until.js';
import { needsBuild } from '../../support/built.js';
import { udp } from './support/inner-packet.js';
import { freePort, openEnds, type LoopEnds } from './support/loop-rig.js';

/** errno-base.h, errno.h */
const [EPERM, EAGAIN, EINVAL, ENOSYS, EMSGSIZE, ENOBUFS] = [1, 11, 22, 38, 90, 105];

/** Packets of one length, which make one long message where nothing speaks against it. */
const [ONE, TWO, THREE] = ['1', '2', '3'].map((text) => udp(Buffer.from(text))) as [Buffer, Buffer, Buffer];
/** One of another length is a message of its own. */
const OTHER = udp(Buffer.from('another'));

/** A loop in this thread, with the system's calls but for those that send and are to fail. */
class Rig {
  readonly ends: LoopEnds;
  /** For the next calls, in turn: what they fail with; 0: they are let through. */
  readonly failures = { sendmmsg: [] as number[], sendmsg: [] as number[], recvmmsg: [] as number[] };
  /** The calls that were let through, by their names. */
  readonly sentBy: string[] = [];
  readonly receivedBy: string[] = [];
  /** For how many messages each call for many of them was. */
  readonly batches: number[] = [];
  readonly told: LoopMessage[] = [];
  readonly received: string[] = [];
  private readonly control = new ControlBlock();
  private readonly wake = EventFd.open();
  private state: LoopState;

  constructor(ends: LoopEnds) {
    this.ends = ends;
    this.state = ends.state;
    ends.peer.on('message', (message) => this.received.push(message.subarray(28).toString()));
  }

  /** Carries the steps out, each before the loop waits again; ends when all is done. */
  run(...steps: readonly (() => void)[]): void {
    const left = [...steps];
    const real = packetCalls();
    const attempt = (name: keyof Rig['failures'], call: () => number): number => {
      const errno = this.failures[name].shift() ?? 0;
      if (errno === 0) {
        (name === 'recvmmsg' ? this.receivedBy : this.sentBy).push(name);
        return call();
      }
      koffi.errno(errno);
      return -1;
    };
    const calls = {
      ...real,
      poll: (fds: number, count: number) => {
        const step = left.shift();
        if (step === undefined) this.change({ stop: true });
        else step();
        return real.poll(fds, count, 0);
      },
      sendmmsg: (fd: number, messages: number, count: number, flags: number) =>
        attempt('sendmmsg', () => {
          this.batches.push(count);
          return real.sendmmsg(fd, messages, count, flags);
        }),
      recvmmsg: (fd: number, messages: number, count: number, flags: number, timeout: number) =>
        attempt('recvmmsg', () => real.recvmmsg(fd, messages, count, flags, timeout)),
      recvmsg: (fd: number, message: number, flags: number) => {
        this.receivedBy.push('recvmsg');
        return real.recvmsg(fd, message, flags);
      },
      sendmsg: (fd: number, message: number, flags: number) =>
        attempt('sendmsg', () => real.sendmsg(fd, message, flags)),
    };
    this.change({});
    const data = {
      control: this.control.buffer,
      module: packetModule(),
      wakeFd: this.wake.fd,
      schemes: [],
      ipv6: undefined,
      queueLength: 1,
    };
    new PacketLoop(data, (message) => this.told.push(message), calls).run();
  }

  change(change: Partial<LoopState>): void {
    this.state = { ...this.state, ...change };
    this.control.write(this.state);
  }

  put(...packets: readonly Buffer[]): () => void {
    return () => {
      for (const packet of packets) this.ends.put(packet);
    };
  }

  async arrived(...texts: readonly string[]): Promise<void> {
    await until(() => this.received.length >= texts.length);
    assert.deepEqual(this.received, texts);
  }

  get kinds(): string[] {
    return this.told.map(({ kind }) => kind).filter((kind) => kind !== 'taken' && kind !== 'counters');
  }

  close(): void {
    this.wake.close();
    this.ends.close();
  }
}

const nothing = (): void => undefined;

describe('packet loop where sending fails', () => {
  before(needsBuild);

  let rig: Rig;
  beforeEach(async () => {
    rig = new Rig(await openEnds());
  });
  afterEach(() => {
    rig.close();
  });

  it('gives up a message that finds no room (ENOBUFS), counts it, and sends the next', async () => {
    rig.failures.sendmmsg.push(ENOBUFS);
    rig.run(
      rig.put(ONE, OTHER),
      nothing,
      () => {
        rig.change({});
      },
      nothing,
    );
    await rig.arrived('another');
    const counts = rig.told.flatMap((message) => (message.kind === 'counters' ? [message.counters.sending] : []));
    assert.equal(counts.at(-1), 1);
    assert.deepEqual(rig.kinds, []);
  });

  it('keeps what the socket has no room for (EAGAIN), and sends it when it has', async () => {
    rig.failures.sendmmsg.push(EAGAIN);
    rig.run(rig.put(ONE, OTHER), nothing, nothing);
    await rig.arrived('1', 'another');
  });

  it('stays with many messages a call where a firewall of this host refuses one (EPERM)', async () => {
    rig.failures.sendmmsg.push(EPERM);
    rig.failures.sendmsg.push(EPERM);
    rig.run(rig.put(ONE, OTHER), nothing);
    await rig.arrived('another');
    assert.deepEqual(rig.sentBy, ['sendmmsg']);
  });

  it('goes on with one message a call where the system has no call for many, for good, and loses none', async () => {
    rig.failures.sendmmsg.push(ENOSYS);
    rig.run(
      rig.put(ONE, OTHER),
      () => {
        rig.change({ mtu: 1400 });
      },
      rig.put(TWO),
      nothing,
    );
    await rig.arrived('1', 'another', '2');
    assert.deepEqual(rig.sentBy, ['sendmsg', 'sendmsg', 'sendmsg']);
  });

  it('does so until the next change where the process may not use that call', async () => {
    const texts = Array.from({ length: 10 }, (_, index) => String(index));
    rig.failures.sendmmsg.push(...texts.map(() => EPERM));
    rig.run(
      // One after the other, each a message of its own.
      ...texts.map((text) => rig.put(udp(Buffer.from(text)))),
      nothing,
      () => {
        rig.failures.sendmmsg.length = 0;
        rig.change({ mtu: 1400 });
      },
      rig.put(OTHER),
      nothing,
    );
    await rig.arrived(...texts, 'another');
    assert.deepEqual(rig.sentBy, [...texts.map(() => 'sendmsg'), 'sendmmsg']);
  });

  it('stays with many messages a call where a firewall refuses some of them', async () => {
    rig.failures.sendmmsg.push(EPERM, 0, EPERM, 0, EPERM);
    rig.run(...[ONE, TWO, THREE, ONE, TWO, THREE].map((packet) => rig.put(packet)), nothing);
    await rig.arrived('1', '2', '3', '1', '2', '3');
    assert.deepEqual(rig.sentBy, ['sendmsg', 'sendmmsg', 'sendmsg', 'sendmmsg', 'sendmsg', 'sendmmsg']);
  });

  it('receives one message a call where the process may not receive many', async () => {
    const port = await freePort();
    const peer = UdpSocket.open({ address: '127.0.0.1', port, fragments: false, bufferBytes: 1 << 16 });
    rig.failures.recvmmsg.push(EPERM);
    rig.change({ port });
    const send = (packet: Buffer) => () => {
      peer.send({ address: '127.0.0.1', port: rig.ends.port }, packet);
    };
    rig.run(send(ONE), nothing, send(TWO), nothing);
    peer.close();
    assert.deepEqual(rig.ends.written(), [ONE, TWO]);
    assert.deepEqual(rig.receivedBy, ['recvmsg', 'recvmsg']);
  });

  for (const [name, errno] of [
    ['EMSGSIZE', EMSGSIZE],
    ['EINVAL, as older kernels have it', EINVAL],
  ] as const) {
    it(`asks once for the path to be looked at where a long message does not fit it (${name})`, () => {
      rig.failures.sendmmsg.push(errno, errno, EMSGSIZE, EMSGSIZE);
      rig.run(rig.put(ONE, TWO, OTHER), rig.put(THREE), nothing);
      assert.equal(rig.kinds.filter((kind) => kind === 'too-long').length, 1);
    });
  }

  it('sends packets singly after EINVAL, until the next change, and says so once', async () => {
    rig.failures.sendmmsg.push(EINVAL);
    const lengthsOf = (): number => rig.sentBy.length;
    let singly = 0;
    rig.run(
      rig.put(ONE, TWO),
      rig.put(ONE, TWO),
      () => {
        singly = lengthsOf();
        rig.failures.sendmmsg.push(EINVAL);
        rig.change({ mtu: 1400 });
      },
      rig.put(ONE, TWO),
      rig.put(THREE),
      nothing,
    );
    // The first pair is refused whole, the second leaves singly, the third is tried as one again, and refused.
    await rig.arrived('1', '2', '3');
    assert.ok(singly > 0);
    assert.equal(rig.kinds.filter((kind) => kind === 'segmentation-paused').length, 1);
    assert.equal(rig.kinds.filter((kind) => kind === 'no-segmentation').length, 0);
  });

  it('sends packets singly as long as it is told to, and together again afterwards', async () => {
    rig.change({ segmentation: false });
    rig.run(
      rig.put(ONE, TWO),
      () => {
        rig.change({ segmentation: true });
      },
      rig.put(THREE, ONE),
      nothing,
    );
    await rig.arrived('1', '2', '3', '1');
    assert.deepEqual(rig.batches, [2, 1]);
  });

  it('never tries long messages again where the outer device cannot do their checksums (EIO)', async () => {
    rig.failures.sendmmsg.push(5);
    rig.run(
      rig.put(ONE, TWO),
      rig.put(ONE, TWO),
      () => {
        rig.change({ mtu: 1400 });
      },
      rig.put(THREE, ONE),
      nothing,
    );
    await rig.arrived('1', '2', '3', '1');
    assert.deepEqual(rig.kinds, ['no-segmentation']);
  });
});
