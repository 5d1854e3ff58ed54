import assert from 'node:assert/strict';
import { once, EventEmitter } from 'node:events';
import fc from 'fast-check';
import { decodeOwnAddress, OwnAddresses } from '../../../src/netlink/route/own-addresses.js';
import { describeInNamespace } from '../../support/namespace.js';

describe('an address as the kernel tells it', () => {
  it('is the own one of a device that has another at its far end', () => {
    // ifaddrmsg AF_INET /32, then IFA_ADDRESS (the peer) and IFA_LOCAL.
    const body = Buffer.from('0220000001000000' + '08000100c0000202' + '08000200c0000201', 'hex');
    assert.equal(decodeOwnAddress(body)?.toString('hex'), 'c0000201');
  });

  it('is of IPv4 or IPv6, or none', () => {
    const v6 = `14000100${'20010db8'.padEnd(32, '0')}`;
    assert.equal(decodeOwnAddress(Buffer.from(`0a40000001000000${v6}`, 'hex'))?.length, 16);
    assert.equal(decodeOwnAddress(Buffer.from(`0240000001000000${v6}`, 'hex')), undefined);
    assert.equal(decodeOwnAddress(Buffer.from('0a40000001000000', 'hex')), undefined);
    fc.assert(fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => void decodeOwnAddress(Buffer.from(bytes))));
  });
});

describeInNamespace('the addresses of a host', (namespace) => {
  it('are those of both IP versions, and every change is told', async () => {
    const changes = new EventEmitter();
    const own = namespace().inside(() => OwnAddresses.open({ onChange: () => changes.emit('change') }));
    try {
      const list = async (): Promise<string[]> => (await own.list()).map((bytes) => bytes.toString('hex')).sort();
      assert.deepEqual(await list(), [`${'0'.repeat(31)}1`, '7f000001']);
      namespace().run('ip', 'link', 'add', 'd0', 'type', 'veth', 'peer', 'name', 'd1');
      for (const [words, expected] of [
        [['add', '192.0.2.1/24', 'dev', 'd0'], 3],
        [['add', '2001:db8::1/64', 'dev', 'd0', 'nodad'], 4],
        [['del', '192.0.2.1/24', 'dev', 'd0'], 3],
      ] as const) {
        const changed = once(changes, 'change');
        namespace().run('ip', 'addr', ...words);
        await changed;
        assert.equal((await list()).length, expected);
      }
    } finally {
      own.close();
    }
  });
});
