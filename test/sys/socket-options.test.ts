import assert from 'node:assert/strict';
import { closeSync } from 'node:fs';
import { SystemError } from '../../src/sys/errors.js';
import { checked, libc } from '../../src/sys/libc.js';
import {
  droppedMessages,
  forceBufferSize,
  getSocketOption,
  setSocketOption,
  SO_RCVBUF,
  SO_SNDBUF,
  SOL_SOCKET,
} from '../../src/sys/socket-options.js';
import { needsRoot } from '../support/skip.js';

const AF_UNIX = 1;
const SOCK_DGRAM = 2;

describe('socket options', () => {
  let fd: number;
  beforeEach(() => {
    fd = checked('socket', libc().socket(AF_UNIX, SOCK_DGRAM, 0));
  });
  afterEach(() => {
    closeSync(fd);
  });

  it('reads back what was set, which the kernel doubles', () => {
    setSocketOption(fd, SOL_SOCKET, SO_RCVBUF, 50_000);
    assert.equal(getSocketOption(fd, SOL_SOCKET, SO_RCVBUF, 4).readInt32LE(), 100_000);
  });

  it('sizes each buffer by itself', () => {
    forceBufferSize(fd, 'receive', 30_000);
    forceBufferSize(fd, 'send', 40_000);
    assert.equal(getSocketOption(fd, SOL_SOCKET, SO_RCVBUF, 4).readInt32LE(), 60_000);
    assert.equal(getSocketOption(fd, SOL_SOCKET, SO_SNDBUF, 4).readInt32LE(), 80_000);
  });

  it('goes beyond the limit of the system as root', function () {
    needsRoot.call(this);
    forceBufferSize(fd, 'receive', 64 << 20);
    assert.equal(getSocketOption(fd, SOL_SOCKET, SO_RCVBUF, 4).readInt32LE(), 128 << 20);
  });

  it('gives no more bytes than the option has', () => {
    assert.equal(getSocketOption(fd, SOL_SOCKET, SO_RCVBUF, 64).length, 4);
  });

  it('counts no drops on a fresh socket', () => {
    assert.equal(droppedMessages(fd), 0);
  });

  it('throws what the kernel says about an option it does not know', () => {
    assert.throws(
      () => {
        setSocketOption(fd, SOL_SOCKET, 9999, 1);
      },
      (error) => error instanceof SystemError && error.code === 'ENOPROTOOPT',
    );
  });
});
