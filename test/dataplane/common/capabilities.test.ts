import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { missingCapabilities, requireCapabilities } from '../../../src/dataplane/common/capabilities.js';
import { PlaneError, UnsupportedError } from '../../../src/dataplane/common/errors.js';

const status = (effective: string): string => `Name:\tnode\nCapPrm:\t000001ffffffffff\nCapEff:\t${effective}\n`;
const BOTH = ['CAP_NET_ADMIN', 'CAP_NET_RAW'] as const;

describe('missing capabilities', () => {
  it('are none for root', () => {
    assert.deepEqual(missingCapabilities(status('000001ffffffffff'), BOTH), []);
  });

  it('are named one by one, by the effective set and not the permitted one', () => {
    assert.deepEqual(missingCapabilities(status('0000000000000000'), BOTH), ['CAP_NET_ADMIN', 'CAP_NET_RAW']);
    assert.deepEqual(missingCapabilities(status('0000000000001000'), BOTH), ['CAP_NET_RAW']);
    assert.deepEqual(missingCapabilities(status('0000000000002000'), BOTH), ['CAP_NET_ADMIN']);
    assert.deepEqual(missingCapabilities(status('0000000000003000'), BOTH), []);
  });

  it('leave another plane to be tried where it is CAP_NET_RAW alone', () => {
    const refusal = (effective: string): unknown => {
      try {
        requireCapabilities(BOTH, status(effective));
        return undefined;
      } catch (error) {
        return error;
      }
    };
    assert.equal(refusal('0000000000003000'), undefined);
    assert.ok(refusal('0000000000001000') instanceof UnsupportedError);
    for (const effective of ['0000000000000000', '0000000000002000']) {
      const error = refusal(effective);
      assert.ok(error instanceof PlaneError && !(error instanceof UnsupportedError), effective);
    }
  });

  it('are left to the kernel where the status does not say', () => {
    assert.deepEqual(missingCapabilities('', BOTH), []);
    assert.deepEqual(missingCapabilities('CapEff:\tnothing\n', BOTH), []);
  });
});
