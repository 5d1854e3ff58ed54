import assert from 'node:assert/strict';
import fc from 'fast-check';
import { xtMatches, xtTarget } from '../../../src/doctor/firewall/xtables.js';
import { PACKET } from '../support/packet.js';

describe('matches of iptables', () => {
  it('give an answer on whatever bytes', () => {
    const names = fc.constantFrom('udp', 'multiport', 'conntrack', 'addrtype', 'comment', 'tcp', 'limit', 'x');
    fc.assert(
      fc.property(
        names,
        fc.integer({ min: -1, max: 4 }),
        fc.uint8Array({ maxLength: 200 }),
        (name, revision, bytes) => {
          assert.ok(['yes', 'no', 'maybe'].includes(xtMatches(PACKET, name, revision, Buffer.from(bytes))));
        },
      ),
    );
  });

  it('read a range of ports and its inversion', () => {
    // struct xt_udp: source 0 to 65535, destination 9000 to 11000, not inverted
    const info = Buffer.from('0000ffff2823f82a00', 'hex');
    assert.equal(xtMatches(PACKET, 'udp', 0, info), 'yes');
    info.writeUInt8(2, 8);
    assert.equal(xtMatches(PACKET, 'udp', 0, info), 'no');
  });

  it('are open where the source port decides and is not known', () => {
    assert.equal(xtMatches(PACKET, 'udp', 0, Buffer.from('0100ff000000ffff00', 'hex')), 'maybe');
  });
});

describe('targets of iptables', () => {
  it('end a packet, let it go on, or are not known', () => {
    assert.deepEqual(['REJECT', 'LOG', 'DNAT', 'MASQUERADE', 'NEWEST'].map(xtTarget), [
      'drop',
      'goes-on',
      'diverted',
      'accept',
      'unknown',
    ]);
  });
});
