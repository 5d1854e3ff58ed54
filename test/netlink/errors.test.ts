import assert from 'node:assert/strict';
import { isKernelError, KernelError, NetlinkError } from '../../src/netlink/errors.js';

describe('KernelError', () => {
  const what = { op: 'create link', object: 'ipipou0' };

  it('reads as a sentence, with the kernel’s own words where it has some', () => {
    assert.equal(new KernelError(what, { errno: 17 }).message, 'cannot create link ipipou0: File exists (EEXIST)');
    const worded = new KernelError(what, { errno: 95, kernelMessage: 'Unknown device type', attributeOffset: 60 });
    assert.equal(
      worded.message,
      'cannot create link ipipou0: Operation not supported (EOPNOTSUPP): Unknown device type',
    );
    assert.equal(worded.attributeOffset, 60);
    assert.deepEqual([worded.op, worded.object, worded.errno], ['create link', 'ipipou0', 95]);
  });

  it('is told from others by its errno', () => {
    const error: unknown = new KernelError(what, { errno: 2 });
    assert.equal(isKernelError(error, 'EEXIST', 'ENOENT'), true);
    assert.equal(isKernelError(error, 'EEXIST'), false);
    assert.equal(isKernelError(new NetlinkError('NETLINK_CLOSED', 'x'), 'ENOENT'), false);
  });
});
