import assert from 'node:assert/strict';
import { encodeFeature } from '../../../src/netlink/ethtool/features.js';

describe('feature of a device', () => {
  // nlattr: length and type, little endian; 0x8000 marks a nest.
  const header = '14000180' + '0800010007000000' + '0800030002000000';

  it('is switched off by a bit that is named and has no value', () => {
    assert.equal(
      Buffer.concat(encodeFeature(7, 'rx', false)).toString('hex'),
      header + '14000380' + '10000380' + '0c000180' + '07000200' + '72780000',
    );
  });

  it('is switched on by the same bit with an empty value', () => {
    assert.equal(
      Buffer.concat(encodeFeature(7, 'rx', true)).toString('hex'),
      header + '18000380' + '14000380' + '10000180' + '07000200' + '72780000' + '04000300',
    );
  });
});
