import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import type * as Koffi from 'koffi';
import { CMSGHDR, IOVEC, MMSGHDR, MSGHDR, POLLFD, SOCKADDR_IN } from '../../src/sys/layouts.js';

const koffi = createRequire(import.meta.url)('koffi') as typeof Koffi;

/** As the headers of the C library declare them; the alignment is this machine's. */
const msghdr = koffi.struct({
  name: 'void *',
  namelen: 'uint32_t',
  iov: 'void *',
  iovlen: 'size_t',
  control: 'void *',
  controllen: 'size_t',
  flags: 'int',
});
const iovec = koffi.struct({ base: 'void *', length: 'size_t' });
const pollfd = koffi.struct({ fd: 'int', events: 'short', revents: 'short' });
const cmsghdr = koffi.struct({ length: 'size_t', level: 'int', type: 'int' });
const sockaddr = koffi.struct({
  family: 'uint16_t',
  port: 'uint16_t',
  address: 'uint32_t',
  zero: koffi.array('char', 8),
});

describe('layouts of the C library', () => {
  const cases = {
    msghdr: [msghdr, MSGHDR],
    iovec: [iovec, IOVEC],
    pollfd: [pollfd, POLLFD],
    cmsghdr: [cmsghdr, CMSGHDR],
    sockaddr_in: [sockaddr, SOCKADDR_IN],
  } as const;
  for (const [name, [type, layout]] of Object.entries(cases)) {
    it(`of struct ${name} is this machine's`, () => {
      const { bytes, ...fields } = layout;
      assert.equal(koffi.sizeof(type), bytes);
      for (const [field, offset] of Object.entries(fields)) assert.equal(koffi.offsetof(type, field), offset, field);
    });
  }

  it("of struct mmsghdr is this machine's", () => {
    const type = koffi.struct({ header: msghdr, length: 'unsigned int' });
    assert.equal(koffi.sizeof(type), MMSGHDR.bytes);
    assert.equal(koffi.offsetof(type, 'length'), MMSGHDR.length);
  });
});
