import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { missingCapabilities } from '../../../src/dataplane/common/capabilities.js';

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

  it('are left to the kernel where the status does not say', () => {
    assert.deepEqual(missingCapabilities('', BOTH), []);
    assert.deepEqual(missingCapabilities('CapEff:\tnothing\n', BOTH), []);
  });
});
