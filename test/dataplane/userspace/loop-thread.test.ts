import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import type { Worker } from 'node:worker_threads';
import { BOUND_BUDGET } from '../../../src/dataplane/common/auth-budgets.js';
import type { LoopState } from '../../../src/dataplane/userspace/control-block.js';
import { sharedMs } from '../../../src/dataplane/userspace/shared-clock.js';
import { UdpSocket } from '../../../src/sys/udp-socket.js';
import { until } from '../../support/until.js';
import { needsBuild } from '../../support/built.js';
import { tcp, udp } from './support/inner-packet.js';
import { freePort, openLoop, type LoopRig } from './support/loop-rig.js';

const SIGNED = Buffer.alloc(73, 0x90);

/** Waits without hearing anything meanwhile. */
function spinUntil(isSo: () => boolean): void {
  const deadline = performance.now() + 5000;
  while (!isSo()) assert.ok(performance.now() < deadline, 'in vain');
}

const threads = (): number => readdirSync('/proc/self/task').length;
const descriptors = (): number => readdirSync('/proc/self/fd').length;

describe('packet loop in its thread', () => {
  before(needsBuild);

  let rig: LoopRig;
  const workers: Worker[] = [];
  const sockets: UdpSocket[] = [];
  /** With the last sender as the peer. */
  let bound: LoopState;
  const noteWorker = (worker: Worker): void => {
    workers.push(worker);
  };
  beforeEach(async () => {
    workers.length = 0;
    process.on('worker', noteWorker);
    rig = await openLoop([{ kind: 'ed25519' }]);
  });
  afterEach(async () => {
    process.off('worker', noteWorker);
    for (const socket of sockets.splice(0)) socket.close();
    await rig.close();
  });

  /** Binds another peer, whose packets are in the loop's socket when the call that sends them returns. */
  const bindSender = async (): Promise<(...packets: readonly Buffer[]) => void> => {
    const port = await freePort();
    const socket = UdpSocket.open({ address: '127.0.0.1', port, fragments: false, bufferBytes: 1 << 18 });
    sockets.push(socket);
    bound = { ...rig.state, port };
    await rig.thread.apply(bound);
    return (...packets) => {
      for (const packet of packets) socket.send({ address: '127.0.0.1', port: rig.port }, packet);
    };
  };
  const arrive = async (count: number): Promise<Buffer[]> => {
    const packets: Buffer[] = [];
    await until(() => {
      packets.push(...rig.written());
      return packets.length >= count;
    });
    return packets;
  };

  it('carries packets both ways', async () => {
    const packet = udp(Buffer.from('in'));
    rig.peer.send(packet, rig.port, '127.0.0.1');
    assert.deepEqual(await arrive(1), [packet]);
    const heard = once(rig.peer, 'message') as Promise<[Buffer]>;
    const answer = tcp({ payload: Buffer.from('out') });
    rig.put(answer);
    assert.deepEqual((await heard)[0], answer);
  });

  it('hands auth packets over, of the bound endpoint and of others, and lets no data of others in', async () => {
    const other = createSocket('udp4').bind(0, '127.0.0.1');
    await once(other, 'listening');
    rig.peer.send(SIGNED, rig.port, '127.0.0.1');
    other.send(udp(Buffer.alloc(5)), rig.port, '127.0.0.1');
    other.send(SIGNED, rig.port, '127.0.0.1');
    await until(() => rig.auth.length === 2);
    assert.deepEqual(
      rig.auth.map(({ from }) => from.port),
      [rig.state.port, other.address().port],
    );
    assert.ok(rig.auth.every(({ payload, from }) => payload.equals(SIGNED) && from.address === '127.0.0.1'));
    assert.deepEqual(rig.written(), []);
    other.close();
  });

  it('goes by another endpoint from the moment on at which it says so', async () => {
    const other = createSocket('udp4').bind(0, '127.0.0.1');
    await once(other, 'listening');
    await rig.thread.apply({ ...rig.state, port: other.address().port });
    rig.peer.send(udp(Buffer.from('old')), rig.port, '127.0.0.1');
    const packet = udp(Buffer.from('new'));
    other.send(packet, rig.port, '127.0.0.1');
    assert.deepEqual(await arrive(1), [packet]);
    const heard = once(other, 'message') as Promise<[Buffer]>;
    rig.put(packet);
    assert.deepEqual((await heard)[0], packet);
    other.close();
  });

  it('shuts an endpoint out by itself when its time is over', async () => {
    const packet = udp(Buffer.from('in time'));
    const untilMs = sharedMs() + 200;
    await rig.thread.apply({ ...rig.state, letInUntilMs: untilMs });
    let entered = 0;
    for (;;) {
      const sentMs = sharedMs();
      rig.peer.send(packet, rig.port, '127.0.0.1');
      // Behind it, and always heard.
      const before = rig.auth.length;
      rig.peer.send(SIGNED, rig.port, '127.0.0.1');
      await until(() => rig.auth.length > before);
      const count = rig.written().length;
      entered += count;
      if (sentMs >= untilMs) assert.equal(count, 0);
      if (sentMs > untilMs + 50) break;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    assert.ok(entered > 0);
  });

  /** A loop that three may wait for is sent twenty, while this thread hears nothing; and then tells of them. */
  const overfill = async (): Promise<(...packets: readonly Buffer[]) => void> => {
    await rig.close();
    rig = await openLoop([{ kind: 'ed25519' }], 3);
    const sender = await bindSender();
    sender(...Array.from({ length: 20 }, () => SIGNED), udp(Buffer.from('behind them')));
    spinUntil(() => rig.written().length > 0);
    await rig.thread.apply({ ...bound, mtu: 1400 });
    return sender;
  };

  it('lets no more auth packets wait for the main thread than it may', async () => {
    await overfill();
    assert.equal(rig.auth.length, 3);
    assert.equal(rig.thread.counters.authQueue, 17);
  });

  it('hands over no auth packet from an address that may come out of the tunnel, and counts it', async () => {
    await rig.thread.apply({ ...rig.state, sources: [{ first: 0, last: 0xffffffff }] });
    rig.peer.send(SIGNED, rig.port, '127.0.0.1');
    rig.peer.send(udp(Buffer.from('behind it')), rig.port, '127.0.0.1');
    await arrive(1);
    await rig.thread.apply(rig.state);
    assert.equal(rig.thread.counters.fromInside, 1);
    assert.equal(rig.auth.length, 0);
    rig.peer.send(SIGNED, rig.port, '127.0.0.1');
    await until(() => rig.auth.length === 1);
  });

  it('hands over no more auth packets of an endpoint than its budget has, and counts the rest', async () => {
    await rig.close();
    rig = await openLoop([{ kind: 'ed25519' }], 1000);
    const sender = await bindSender();
    const [sent, { burst }] = [BOUND_BUDGET.burst + 60, BOUND_BUDGET];
    sender(...Array.from({ length: sent }, () => SIGNED), udp(Buffer.from('behind them')));
    await arrive(1);
    await rig.thread.apply({ ...bound, mtu: 1400 });
    const { authRate } = rig.thread.counters;
    assert.ok(rig.auth.length >= burst && authRate > 0, `${rig.auth.length} handed over, ${authRate} counted`);
    assert.equal(rig.auth.length + authRate, sent);
  });

  it('keeps its counts when it dies, and has room for auth packets again', async () => {
    const sender = await overfill();
    const { inPackets } = rig.thread.counters;
    assert.ok(inPackets > 0);
    // It dies with its queue full.
    sender(...Array.from({ length: 3 }, () => SIGNED), udp(Buffer.from('behind these')));
    spinUntil(() => rig.written().length > 0);
    void workers.at(-1)!.terminate();
    sender(udp(Buffer.from('to wake it')));
    await until(() => rig.deaths.length === 1);
    await rig.thread.apply({ ...bound, mtu: 1300 });
    assert.ok(rig.thread.counters.inPackets >= inPackets, `${rig.thread.counters.inPackets} of ${inPackets}`);
    const before = rig.auth.length;
    await bindSender().then((again) => {
      again(SIGNED);
    });
    await until(() => rig.auth.length > before);
  });

  it('is started again when it dies, with the same device and socket', async () => {
    void workers[0]!.terminate();
    // Terminating waits for the loop to come back from the kernel.
    const packet = udp(Buffer.from('after'));
    rig.peer.send(SIGNED, rig.port, '127.0.0.1');
    await until(() => rig.deaths.length === 1);
    rig.peer.send(packet, rig.port, '127.0.0.1');
    assert.deepEqual(await arrive(1), [packet]);
    assert.equal(workers.length, 2);
    await rig.thread.apply(rig.state);
  });

  it('stops at once while nothing comes, and leaves neither a descriptor nor a thread', async function () {
    this.timeout(60_000);
    await rig.close();
    // The first ones make what the process keeps: the pool of threads, the module.
    const counts: [number, number][] = [];
    for (let round = 0; round < 20; round += 1) {
      rig = await openLoop([{ kind: 'ed25519' }]);
      await rig.close();
      counts.push([threads(), descriptors()]);
    }
    assert.deepEqual(counts.at(-1), counts[2]);
    rig = await openLoop([{ kind: 'ed25519' }]);
  });
});
