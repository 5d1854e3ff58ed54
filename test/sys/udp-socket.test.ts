import assert from 'node:assert/strict';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { SystemError } from '../../src/sys/errors.js';
import { EventFd } from '../../src/sys/event-fd.js';
import { IOVEC, MMSGHDR, MSGHDR, POLLFD, SOCKADDR_IN } from '../../src/sys/layouts.js';
import { addressOf } from '../../src/sys/libc.js';
import { MSG_DONTWAIT, packetCalls, POLLIN } from '../../src/sys/packet-calls.js';
import { UdpSocket } from '../../src/sys/udp-socket.js';

const HERE = { address: '127.0.0.1', device: 'lo', fragments: false, bufferBytes: 1 << 16 } as const;

async function listener(): Promise<{ socket: Socket; port: number }> {
  const socket = createSocket('udp4').bind(0, '127.0.0.1');
  await once(socket, 'listening');
  return { socket, port: socket.address().port };
}

describe('a UDP socket by its descriptor', () => {
  it('sends datagrams from its own port, also empty ones and such with a TTL', async () => {
    const { socket, port } = await listener();
    const own = UdpSocket.open({ ...HERE, port: 0 });
    try {
      for (const [payload, ttl] of [
        ['hello', 7],
        ['', undefined],
        ['x'.repeat(60_000), undefined],
      ] as const) {
        const heard = once(socket, 'message') as Promise<[Buffer, { address: string }]>;
        own.send({ address: '127.0.0.1', port }, Buffer.from(payload), ttl);
        const [bytes, { address }] = await heard;
        assert.equal(bytes.toString(), payload);
        assert.equal(address, '127.0.0.1');
      }
    } finally {
      own.close();
      socket.close();
    }
  });

  it('names what the system refuses', async () => {
    const { socket, port } = await listener();
    const isCode = (code: string) => (error: unknown) => error instanceof SystemError && error.code === code;
    try {
      assert.throws(() => UdpSocket.open({ ...HERE, port }), isCode('EADDRINUSE'));
      assert.throws(() => UdpSocket.open({ ...HERE, address: '192.0.2.1', port: 0 }), isCode('EADDRNOTAVAIL'));
      const own = UdpSocket.open({ ...HERE, port: 0 });
      assert.throws(() => {
        own.send({ address: '127.0.0.1', port }, Buffer.alloc(65_508));
      }, RangeError);
      own.close();
      assert.throws(() => {
        own.send({ address: '127.0.0.1', port }, Buffer.alloc(1));
      }, isCode('EBADF'));
    } finally {
      socket.close();
    }
  });

  it('leaves no descriptor behind where it can not be opened', async () => {
    const { socket, port } = await listener();
    const count = (): number => readFileSync('/proc/self/net/udp', 'ascii').split('\n').length;
    const before = count();
    for (let round = 0; round < 20; round += 1) assert.throws(() => UdpSocket.open({ ...HERE, port }));
    assert.equal(count(), before);
    socket.close();
  });
});

describe('the calls of a packet loop', () => {
  it('wait for a wake, and read several datagrams at once into an arena', async () => {
    const { socket, port } = await listener();
    const own = UdpSocket.open({ ...HERE, port: 0 });
    const wake = EventFd.open();
    const calls = packetCalls();
    try {
      const arena = Buffer.alloc(8192);
      const base = addressOf(arena);
      arena.writeInt32LE(wake.fd, POLLFD.fd);
      arena.writeInt16LE(POLLIN, POLLFD.events);
      assert.equal(calls.poll(base, 1, 0), 0);
      wake.wake();
      assert.equal(calls.poll(base, 1, -1), 1);
      assert.equal(arena.readInt16LE(POLLFD.revents), POLLIN);
      assert.equal(calls.read(wake.fd, base + 64, 8), 8);

      const echoed = once(socket, 'message') as Promise<[Buffer, { port: number }]>;
      own.send({ address: '127.0.0.1', port }, Buffer.from('where am I?'));
      const [, { port: ownPort }] = await echoed;
      for (const word of ['one', 'two', 'three']) socket.send(word, ownPort, '127.0.0.1');
      const [messages, iovecs, names, buffers] = [256, 1024, 2048, 4096];
      for (let slot = 0; slot < 4; slot += 1) {
        const message = messages + slot * MMSGHDR.bytes;
        arena.writeBigUInt64LE(BigInt(base + names + slot * SOCKADDR_IN.bytes), message + MSGHDR.name);
        arena.writeUInt32LE(SOCKADDR_IN.bytes, message + MSGHDR.namelen);
        arena.writeBigUInt64LE(BigInt(base + iovecs + slot * IOVEC.bytes), message + MSGHDR.iov);
        arena.writeBigUInt64LE(1n, message + MSGHDR.iovlen);
        arena.writeBigUInt64LE(BigInt(base + buffers + slot * 512), iovecs + slot * IOVEC.bytes + IOVEC.base);
        arena.writeBigUInt64LE(512n, iovecs + slot * IOVEC.bytes + IOVEC.length);
      }
      const heard: string[] = [];
      while (heard.length < 3) {
        await new Promise((resolve) => setImmediate(resolve));
        const received = calls.recvmmsg(own.fd, base + messages, 4, MSG_DONTWAIT, 0);
        for (let slot = 0; slot < received; slot += 1) {
          const length = arena.readUInt32LE(messages + slot * MMSGHDR.bytes + MMSGHDR.length);
          heard.push(arena.toString('latin1', buffers + slot * 512, buffers + slot * 512 + length));
          assert.equal(arena.readUInt16BE(names + slot * SOCKADDR_IN.bytes + SOCKADDR_IN.port), port);
        }
      }
      assert.deepEqual(heard, ['one', 'two', 'three']);
    } finally {
      own.close();
      wake.close();
      socket.close();
    }
  });
});
