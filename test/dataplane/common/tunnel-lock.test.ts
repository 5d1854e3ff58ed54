import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { PlaneError } from '../../../src/dataplane/common/errors.js';
import { lockTunnel } from '../../../src/dataplane/common/tunnel-lock.js';
import { ScratchNamespace } from '../../../src/sys/scratch-namespace.js';
import { needsRoot } from '../../support/skip.js';

describe('dataplane/kernel: the lock of a tunnel', () => {
  before(needsRoot);

  it('lets one process run it in a network namespace, names that one, and leaves other numbers alone', () => {
    const scratch = ScratchNamespace.open();
    try {
      const lock = scratch.inside(() => lockTunnel(7));
      scratch.inside(() => {
        assert.throws(
          () => lockTunnel(7),
          (error: unknown) => {
            assert.ok(error instanceof PlaneError);
            assert.equal(error.part, 'link');
            const says = `tunnel 7 is run by .*process ${process.pid} here already: .* another --number`;
            assert.match(error.message, new RegExp(says));
            return true;
          },
        );
        lockTunnel(70).release();
      });
      lock.release();
      scratch.inside(() => {
        lockTunnel(7).release();
      });
    } finally {
      scratch.close();
    }
  });
});
