import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { SystemError } from '../../src/sys/errors.js';
import { NotifySocket, unixAddress } from '../../src/sys/notify.js';
import { DatagramReceiver } from './support/datagram-receiver.js';

const thrown =
  (code: string) =>
  (error: unknown): boolean =>
    error instanceof SystemError && error.code === code;

describe('the notify socket', () => {
  let folder = '';

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'ipipou-ts-notify-'));
  });

  after(() => {
    rmSync(folder, { recursive: true });
  });

  it('has the addresses of unix(7)', () => {
    assert.deepEqual(unixAddress('/a'), Buffer.from([1, 0, 0x2f, 0x61, 0]));
    assert.deepEqual(unixAddress('@a'), Buffer.from([1, 0, 0, 0x61]));
    assert.equal(unixAddress(`/${'a'.repeat(106)}`)?.length, 110);
    assert.equal(unixAddress(`@${'a'.repeat(107)}`)?.length, 110);
  });

  it('takes nothing else for an address', () => {
    for (const name of [
      '',
      '/',
      '@',
      'relative',
      'vsock:2:1234',
      '/a\0b',
      `/${'a'.repeat(107)}`,
      `@${'a'.repeat(108)}`,
    ])
      assert.equal(unixAddress(name), undefined, name);
    fc.assert(
      fc.property(fc.string(), (name) => {
        const address = unixAddress(name);
        assert.ok(address === undefined || (address.length > 3 && address.length <= 110));
      }),
    );
    assert.throws(() => NotifySocket.open('relative'), thrown('EINVAL'));
  });

  for (const kind of ['a path', 'an abstract name'] as const) {
    it(`reaches a receiver at ${kind}, one datagram for each message`, () => {
      const name = kind === 'a path' ? join(folder, 'socket') : `@ipipou-ts-test-${process.pid}`;
      const receiver = new DatagramReceiver(name);
      const socket = NotifySocket.open(name);
      try {
        socket.send({ READY: '1', STATUS: 'grüß\nMAINPID=1' });
        socket.send({ STOPPING: '1' });
        assert.equal(receiver.take(), 'READY=1\nSTATUS=grüß MAINPID=1');
        assert.equal(receiver.take(), 'STOPPING=1');
        assert.throws(() => receiver.take(), thrown('EAGAIN'));
      } finally {
        socket.close();
        receiver.close();
      }
      assert.throws(() => {
        const late = NotifySocket.open(name);
        try {
          late.send({ READY: '1' });
        } finally {
          late.close();
        }
      }, thrown('ECONNREFUSED'));
    });
  }

  it('does not wait for a receiver that never reads', () => {
    const name = `@ipipou-ts-full-${process.pid}`;
    const receiver = new DatagramReceiver(name);
    const socket = NotifySocket.open(name);
    try {
      assert.throws(() => {
        for (let count = 0; count < 100_000; count++) socket.send({ STATUS: 'x'.repeat(1000) });
      }, thrown('EAGAIN'));
    } finally {
      socket.close();
      receiver.close();
    }
  });
});
