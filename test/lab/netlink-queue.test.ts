import assert from 'node:assert/strict';
import type { Socket } from 'node:dgram';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { AuthPort } from '../../src/dataplane/kernel/auth-port.js';
import { PacketQueue, QueueTakenError, type PacketQueueOptions } from '../../src/netlink/queue/client.js';
import type { QueuedPacket } from '../../src/netlink/queue/message.js';
import { inside, pairTopology, rawSender, suiteScope, udpSocket, waitUntil } from './support/index.js';
import type { Namespace, RawSender } from './support/index.js';

const PORT = 10_000;
const QUEUE = 4242;
const UDP_PAYLOAD = 28;

const nothing = (): void => undefined;
const noHandlers = {
  onAuthPacket: nothing,
  onUnheard: nothing,
  onError: nothing,
  onUnreadable: nothing,
  onDrops: nothing,
};

describe('a packet queue', () => {
  const scope = suiteScope();
  let here: Namespace;
  let sender: RawSender;
  let receiver: Socket;
  let received: string[];
  let queued: QueuedPacket[];
  let errors: Error[] = [];
  let queue: PacketQueue | undefined;

  beforeEach(async () => {
    const { a, b } = await pairTopology(scope);
    here = b;
    await here.nft(`
      table inet t {
        chain c {
          type filter hook input priority 0
          udp dport ${PORT} queue num ${QUEUE}
        }
      }`);
    received = [];
    queued = [];
    errors = [];
    receiver = udpSocket(scope, here, '10.9.3.2', PORT);
    receiver.on('message', (data) => received.push(data.toString()));
    sender = rawSender(scope, a);
  });
  afterEach(() => {
    queue?.close();
    assert.deepEqual(errors, []);
  });

  const send = (...payloads: string[]): void => {
    for (const payload of payloads) {
      sender.udp({ from: '10.9.3.1:4321', to: `10.9.3.2:${PORT}`, payload: Buffer.from(payload) });
    }
  };
  const open = (options: Partial<PacketQueueOptions> = {}): Promise<PacketQueue> =>
    inside(here, () =>
      PacketQueue.open({
        queueNumber: QUEUE,
        maxLength: 1024,
        copyRangeBytes: 256,
        onPackets: (packets) => queued.push(...packets),
        onError: (error) => errors.push(error),
        ...options,
      }),
    );
  const text = (packet: QueuedPacket): string => packet.payload.subarray(UDP_PAYLOAD).toString();

  it('holds packets until a verdict, and lets pass what is accepted', async () => {
    queue = await open();
    send('yes', 'no', 'also');
    await waitUntil(() => queued.length === 3, { what: 'three packets' });
    assert.deepEqual(queued.map(text), ['yes', 'no', 'also']);
    assert.deepEqual(received, []);
    const [first] = queued;
    const device = ((await here.ipJson('link show dev eth')) as [{ ifindex: number }])[0];
    assert.deepEqual([first?.hook, first?.inIfindex, first?.mark, first?.truncated], [1, device.ifindex, 0, false]);
    assert.equal(first?.payload.readUInt8(0), 0x45);

    for (const packet of queued) queue.verdict(packet.id, text(packet) === 'no' ? 'drop' : 'accept');
    await waitUntil(() => received.length === 2, { what: 'the accepted packets' });
    assert.deepEqual(received, ['yes', 'also']);
  });

  it('decides on hundreds of packets within the handler that gets them', async () => {
    queue = await open({
      onPackets: (packets) => {
        for (const packet of packets) queue?.verdict(packet.id, 'accept');
      },
    });
    const sent = Array.from({ length: 500 }, (_, n) => `packet ${n}`);
    for (let start = 0; start < sent.length; start += 50) {
      send(...sent.slice(start, start + 50));
      await waitUntil(() => received.length === start + 50, { what: `packet ${start + 50}` });
    }
    assert.deepEqual(received, sent);
  });

  it('copies no more than it is told to, and says so', async () => {
    queue = await open({ copyRangeBytes: 40 });
    send('x'.repeat(100), 'short');
    await waitUntil(() => queued.length === 2, { what: 'both packets' });
    assert.deepEqual(
      queued.map((packet) => [packet.payload.length, packet.truncated]),
      [
        [40, true],
        [33, false],
      ],
    );
  });

  it('is taken by one only', async () => {
    queue = await open();
    await assert.rejects(open(), (error) => {
      assert.ok(error instanceof QueueTakenError);
      assert.equal(error.queueNumber, QUEUE);
      assert.match(error.message, /packet queue 4242 is taken by another process \(netlink port \d+\)/);
      return true;
    });
    // It is free again as soon as it is given up.
    queue.close();
    queue = await open();
    send('after');
    await waitUntil(() => queued.length === 1, { what: 'a packet for the new owner' });
  });

  it('is told with the process that has it', async () => {
    // In the namespace that the process is in: there it reads who has what.
    const settings = { queueNumber: QUEUE, queueLength: 1, ttl: 64, ...noHandlers };
    const port = await AuthPort.open(settings);
    try {
      await assert.rejects(
        AuthPort.open(settings),
        new RegExp(`packet queue 4242 is taken by .*process ${process.pid}: choose another with --queue-number`),
      );
    } finally {
      port.close();
    }
  });

  it('hands over what arrives between its binding and its being known', async () => {
    let opened = false;
    const opening = open({
      onPackets: (packets) => {
        assert.ok(opened, 'packets come after `open` has resolved');
        queued.push(...packets);
      },
    });
    // The binding is done by now, the answer is not read yet.
    send('early');
    queue = await opening;
    opened = true;
    await waitUntil(() => queued.length === 1, { what: 'the early packet' });
    queue.verdict(queued[0]!.id, 'accept');
    await waitUntil(() => received.length === 1, { what: 'its delivery' });
  });

  it('drops what is too much for it, and counts that', async () => {
    queue = await open({ maxLength: 5 });
    assert.deepEqual(queue.dropCounts(), { queueDropped: 0, userDropped: 0 });
    send(...Array.from({ length: 8 }, (_, n) => `packet ${n}`));
    await waitUntil(() => queued.length === 5, { what: 'a full queue' });
    assert.deepEqual(queue.dropCounts(), { queueDropped: 3, userDropped: 0 });
  });

  it('survives more packets than its receive buffer holds, and counts what was lost', async () => {
    queue = await open({ receiveBufferBytes: 2048 });
    // All of it arrives while this thread is busy sending.
    send(...Array.from({ length: 400 }, (_, n) => `packet ${n}`));
    const lost = await waitUntil(() => queue?.dropCounts().userDropped, { what: 'a loss' });
    assert.ok(lost > 100);
    await waitUntil(() => queued.length >= 400 - lost, { what: 'the packets that were not lost' });
    for (const packet of queued) queue.verdict(packet.id, 'drop');
    send('still here');
    await waitUntil(() => queued.some((packet) => text(packet) === 'still here'), { what: 'a packet afterwards' });
  });

  it('reports a verdict on a packet that it does not hold, and a handler that throws', async () => {
    queue = await open({
      onPackets: () => {
        throw new Error('handler broke');
      },
    });
    queue.verdict(123_456, 'accept');
    send('one');
    await waitUntil(() => errors.length === 2, { what: 'both errors' });
    assert.deepEqual(errors.map((error) => error.message).sort(), [
      `cannot give a verdict on a packet of queue ${QUEUE}: No such file or directory (ENOENT)`,
      'handler broke',
    ]);
    errors = [];
  });

  it('drops packets while nobody listens', async () => {
    send('lost');
    queue = await open();
    send('kept');
    await waitUntil(() => queued.length === 1, { what: 'the later packet' });
    assert.deepEqual(queued.map(text), ['kept']);
  });

  it('takes no more verdicts when closed', async () => {
    queue = await open();
    queue.close();
    assert.throws(() => queue?.verdict(1, 'accept'), /packet queue 4242 is closed/);
  });
});
