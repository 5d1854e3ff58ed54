import assert from 'node:assert/strict';
import { chooseInternalAddress } from '../../../src/dataplane/kernel/internal-address.js';

const network = (text: string): { address: string; prefixLength: number } => {
  const [address = '', prefixLength = '32'] = text.split('/');
  return { address, prefixLength: Number(prefixLength) };
};
const choose = (wished: string, ...inUse: string[]): string | undefined =>
  chooseInternalAddress(wished, inUse.map(network));

describe('the internal outer address', () => {
  it('is the wished one where the host has no use for it', () => {
    assert.equal(choose('172.29.0.3'), '172.29.0.3');
    assert.equal(choose('172.29.0.3', '172.28.0.0/16', '10.0.0.0/8', '172.29.0.2', '172.29.0.4'), '172.29.0.3');
  });

  it('skips what the host has or routes', () => {
    assert.equal(choose('172.29.0.3', '172.29.0.3'), '172.29.0.4');
    assert.equal(choose('172.29.0.3', '172.29.0.0/24'), '172.29.1.0');
    assert.equal(choose('172.29.0.3', '172.29.0.0/29', '172.29.0.8/29'), '172.29.0.16');
    assert.equal(choose('200.1.2.3', '200.1.2.0/24'), '200.1.3.0');
  });

  it('takes no notice of a default route', () => {
    assert.equal(choose('172.29.0.3', '0.0.0.0/0'), '172.29.0.3');
  });

  it('is undefined where everything near is taken, and never wraps around', () => {
    assert.equal(choose('172.29.0.3', '172.0.0.0/8'), undefined);
    assert.equal(choose('255.255.255.255', '255.255.255.255'), undefined);
  });
});
