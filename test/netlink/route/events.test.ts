import assert from 'node:assert/strict';
import fc from 'fast-check';
import { NetlinkError } from '../../../src/netlink/errors.js';
import type { NetlinkMessage } from '../../../src/netlink/message.js';
import { encodeAddress } from '../../../src/netlink/route/address.js';
import { decodeRouteEvent } from '../../../src/netlink/route/events.js';
import { encodeNewLink } from '../../../src/netlink/route/link.js';
import { encodeRoute } from '../../../src/netlink/route/route.js';

const message = (type: number, body: Buffer): NetlinkMessage => ({ type, flags: 0, sequence: 0, portId: 0, body });

describe('route events', () => {
  it('tell what changed and how', () => {
    const link = encodeNewLink({ name: 'd0', kind: 'dummy' });
    const address = encodeAddress({ index: 1, address: '10.0.0.1', prefixLength: 32 });
    const route = encodeRoute({ destination: '10.0.0.0', prefixLength: 8 });
    const kinds = [
      message(16, link),
      message(17, link),
      message(20, address),
      message(21, address),
      message(24, route),
      message(25, route),
    ].map((event) => decodeRouteEvent(event)?.kind);
    assert.deepEqual(kinds, [
      'link-changed',
      'link-removed',
      'address-added',
      'address-removed',
      'route-added',
      'route-removed',
    ]);
  });

  it('leave out other families and other messages', () => {
    for (const type of [16, 17, 20, 21, 24, 25]) {
      assert.equal(decodeRouteEvent(message(type, Buffer.concat([Buffer.of(7), Buffer.alloc(30)]))), undefined);
    }
    assert.equal(decodeRouteEvent(message(28, Buffer.alloc(40))), undefined);
  });

  it('are events or a typed error, whatever the bytes', () => {
    fc.assert(
      fc.property(fc.integer({ min: 15, max: 26 }), fc.uint8Array({ maxLength: 80 }), (type, bytes) => {
        try {
          decodeRouteEvent(message(type, Buffer.from(bytes)));
        } catch (error) {
          assert.ok(error instanceof NetlinkError && error.code === 'NETLINK_MALFORMED');
        }
      }),
    );
  });
});
