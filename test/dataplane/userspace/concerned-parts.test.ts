import assert from 'node:assert/strict';
import { concernedParts, PARTS, type Part } from '../../../src/dataplane/userspace/concerned-parts.js';
import { RTN_UNICAST } from '../../../src/netlink/route/constants.js';
import type { RouteEvent } from '../../../src/netlink/route/events.js';
import type { Link } from '../../../src/netlink/route/link.js';

const [TUN, ETH] = [7, 2];
const MTU = 1472;

const concern = {
  device: {
    index: TUN,
    concerns: ({ index }: { readonly index: number }) => index === TUN,
    isAsWanted: ({ up }: Link, mtu: number | undefined) => up && mtu === MTU,
  },
  mtu: MTU,
  covered: [{ first: 0x0a00_0000, last: 0x0aff_ffff }],
};
const partsOf = (event: RouteEvent): readonly Part[] => concernedParts(event, concern);

const link = (index: number, up = true): Link => ({
  index,
  name: `d${index}`,
  flags: 0,
  up,
  mtu: MTU,
  operState: 0,
  group: 0,
  gsoMaxSegments: 0,
});
const route = (prefix: string, outInterface: number): RouteEvent & { readonly kind: 'route-removed' } => {
  const [destination = '', bits] = prefix.split('/');
  const rest = { type: RTN_UNICAST, table: 254, scope: 0, protocol: 2, flags: 0, multipath: false };
  return { kind: 'route-removed', route: { destination, prefixLength: Number(bits), outInterface, ...rest } };
};
const address = (text: string, index: number): RouteEvent => ({
  kind: 'address-removed',
  address: { index, address: text, prefixLength: 24, scope: 0, flags: 0 },
});

describe('what is looked at after a change', () => {
  it('of IPv6 is the tunnel where its own address or route is gone', () => {
    assert.deepEqual(partsOf(address('fd00::1', TUN)), ['device', 'sources']);
    assert.deepEqual(partsOf(route('fd00::2/128', TUN)), ['device']);
    assert.deepEqual(partsOf(route('2001:db8::/32', TUN)), ['device']);
  });

  it('of IPv6 is nothing where it is elsewhere: routers have theirs refreshed every few seconds', () => {
    assert.deepEqual(partsOf(address('2001:db8::7', ETH)), []);
    assert.deepEqual(partsOf(route('::/0', ETH)), []);
    assert.deepEqual(partsOf(route('fd00::2/128', ETH)), []);
  });

  it('of IPv4 is the way out, and the tunnel where it is its own', () => {
    assert.deepEqual(partsOf(address('10.9.1.2', ETH)), ['path']);
    assert.deepEqual(partsOf(address('172.28.0.0', TUN)), ['device', 'sources']);
    assert.deepEqual(partsOf(route('0.0.0.0/0', ETH)), ['path', 'sources']);
    assert.deepEqual(partsOf(route('10.1.0.0/16', ETH)), ['path', 'sources']);
    assert.deepEqual(partsOf(route('11.0.0.0/8', ETH)), ['path']);
    assert.deepEqual(partsOf(route('10.1.0.0/16', TUN)), ['device', 'sources']);
  });

  it('of a link is the tunnel only where it is not as it should be', () => {
    assert.deepEqual(partsOf({ kind: 'link-changed', link: link(TUN) }), []);
    assert.deepEqual(partsOf({ kind: 'link-changed', link: link(TUN, false) }), ['device', 'sources']);
    assert.deepEqual(partsOf({ kind: 'link-removed', link: link(TUN) }), ['device', 'sources']);
    assert.deepEqual(partsOf({ kind: 'link-changed', link: link(ETH) }), ['path']);
    assert.deepEqual(partsOf({ kind: 'link-changed', link: link(ETH, false) }), ['path', 'sources']);
  });

  it('is everything where reports were lost', () => {
    assert.deepEqual(partsOf({ kind: 'overrun', lostMessages: 1 }), PARTS);
  });
});
