import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { Routes } from '../../../src/dataplane/common/announce.js';
import { OuterFollower, type OuterChange } from '../../../src/dataplane/common/outer-follower.js';
import { createLogger } from '../../../src/log/index.js';

/** A host whose device `eth` has one address, which the test changes. */
function host(): { readonly route: Routes; address: string } {
  const made = {
    address: '192.0.2.1',
    route: {
      linkByName: () => Promise.resolve({ index: 2, name: 'eth', mtu: 1500, up: true }),
      addresses: () => Promise.resolve([{ index: 2, address: made.address, prefixLength: 24, scope: 0, flags: 0 }]),
    } as unknown as Routes,
  };
  return made;
}

describe('the outer side of a tunnel', () => {
  it('is followed again where that failed, until it was followed, and told of then', async () => {
    const here = host();
    const lines: string[] = [];
    const told: string[] = [];
    const edge = { write: (line: string) => lines.push(line), now: () => new Date(0), monotonicMs: () => 0, pid: 1 };
    const log = createLogger({ verbosity: 2, showTime: false, showPid: false }, edge);
    const outer = new OuterFollower(here.route, { port: 10_000, device: 'eth' }, log, (address) => told.push(address));
    await outer.find();
    const seen: OuterChange[] = [];
    const follow = (isPossible: boolean) => (change: OuterChange) => {
      seen.push(change);
      return isPossible ? Promise.resolve() : Promise.reject(new Error('the port is taken'));
    };
    here.address = '192.0.2.9';
    for (let look = 0; look < 2; look++) await assert.rejects(outer.look(follow(false)), /the port is taken/);
    assert.deepEqual(told, []);
    await outer.look(follow(true));
    await outer.look(follow(true));
    const addressIsOther = { address: true, device: false, isBack: false, network: false };
    const nothing = { address: false, device: false, isBack: false, network: false };
    assert.deepEqual(seen, [addressIsOther, addressIsOther, addressIsOther, nothing]);
    assert.deepEqual(told, ['192.0.2.9']);
    assert.equal(lines.filter((line) => line.includes('outer address is 192.0.2.9 on eth now')).length, 1);
  });
});
