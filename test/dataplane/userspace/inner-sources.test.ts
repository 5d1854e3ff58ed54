import assert from 'node:assert/strict';
import fc from 'fast-check';
import {
  allowedSources,
  coveredBy,
  mayMatter,
  rangeOf,
  type RouteFacts,
} from '../../../src/dataplane/userspace/inner-sources.js';
import {
  RT_TABLE_LOCAL,
  RT_TABLE_MAIN,
  RTN_BLACKHOLE,
  RTN_LOCAL,
  RTN_UNICAST,
} from '../../../src/netlink/route/constants.js';

const TUN = 7;
const ETH = 2;

const route = (prefix: string, outInterface: number | undefined, more: Partial<RouteFacts> = {}): RouteFacts => {
  const [destination = '0.0.0.0', length = '32'] = prefix.split('/');
  const base = { destination, prefixLength: Number(length), type: RTN_UNICAST, table: RT_TABLE_MAIN };
  return { ...base, ...(outInterface !== undefined && { outInterface }), ...more };
};
const numberOf = (address: string): number => rangeOf({ destination: address, prefixLength: 32 }).first;
const isIn = (routes: readonly RouteFacts[], address: string): boolean =>
  allowedSources(routes, TUN).some(({ first, last }) => first <= numberOf(address) && numberOf(address) <= last);

describe('inner sources', () => {
  it('are none where nothing is routed into the tunnel', () => {
    assert.deepEqual(allowedSources([route('0.0.0.0/0', ETH), route('10.0.0.0/8', ETH)], TUN), []);
    assert.deepEqual(allowedSources([], TUN), []);
  });

  it("are the peer's address alone with the route that the device brings", () => {
    const routes = [route('0.0.0.0/0', ETH), route('172.28.0.1/32', TUN)];
    assert.deepEqual(allowedSources(routes, TUN), [{ first: numberOf('172.28.0.1'), last: numberOf('172.28.0.1') }]);
  });

  it('are all that no longer prefix leads elsewhere where the default route leads into the tunnel', () => {
    const routes = [
      route('0.0.0.0/0', TUN),
      route('192.168.0.0/16', ETH),
      route('192.168.7.0/24', TUN),
      route('198.51.100.0/24', undefined, { type: RTN_BLACKHOLE }),
      route('203.0.113.9/32', undefined, { type: RTN_LOCAL, table: RT_TABLE_LOCAL }),
    ];
    for (const address of ['8.8.8.8', '192.168.7.1', '1.0.0.0', '223.255.255.255'])
      assert.ok(isIn(routes, address), address);
    for (const address of [
      '192.168.1.1',
      '198.51.100.1',
      '203.0.113.9',
      '127.0.0.1',
      '224.0.0.1',
      '255.255.255.255',
      '0.0.0.0',
    ]) {
      assert.ok(!isIn(routes, address), address);
    }
  });

  it('are those of every table that leads into the tunnel', () => {
    const routes = [
      route('0.0.0.0/0', ETH),
      route('0.0.0.0/0', TUN, { table: 100 }),
      route('10.0.0.0/8', ETH, { table: 100 }),
    ];
    assert.ok(isIn(routes, '8.8.8.8'));
    assert.ok(!isIn(routes, '10.1.1.1'));
  });

  it('go by the better of two routes to one prefix, which the kernel lists first', () => {
    assert.ok(!isIn([route('10.1.0.0/16', ETH), route('10.1.0.0/16', TUN)], '10.1.2.3'));
    assert.ok(isIn([route('10.1.0.0/16', TUN), route('10.1.0.0/16', ETH)], '10.1.2.3'));
  });

  it('agree with a search of the longest prefix for any routes and any address', () => {
    const prefix = fc
      .tuple(
        fc.integer({ min: 0, max: 255 }),
        fc.integer({ min: 0, max: 255 }),
        fc.constantFrom(0, 4, 8, 9, 12, 16, 20, 24, 32),
      )
      .map(([high, low, length]) => {
        const size = 2 ** (32 - length);
        const address = Math.floor(((high * 256 + low) * 65_536 + low) / size) * size;
        return `${[address >>> 24, (address >>> 16) & 255, (address >>> 8) & 255, address & 255].join('.')}/${length}`;
      });
    const routes = fc.array(fc.tuple(prefix, fc.constantFrom(TUN, ETH)), { maxLength: 12 });
    fc.assert(
      fc.property(routes, fc.integer({ min: 0, max: 255 }), fc.integer({ min: 0, max: 255 }), (given, high, low) => {
        const all = given.map(([text, device]) => route(text, device));
        const address = `${high}.${low}.0.${low}`;
        const value = numberOf(address);
        const covering = all.filter((one) => rangeOf(one).first <= value && value <= rangeOf(one).last);
        const longest = Math.max(...covering.map(({ prefixLength }) => prefixLength));
        const best = covering.find(({ prefixLength }) => prefixLength === longest);
        const never = high === 0 || high === 127 || high >= 224;
        assert.equal(isIn(all, address), best?.outInterface === TUN && !never);
      }),
    );
  });

  it('are ascending and apart', () => {
    const routes = [
      route('10.0.0.0/8', TUN),
      route('10.5.0.0/16', ETH),
      route('11.0.0.0/8', TUN),
      route('9.0.0.1/32', TUN),
    ];
    const ranges = allowedSources(routes, TUN);
    ranges.slice(1).forEach(({ first }, index) => {
      assert.ok(first > ranges[index]!.last + 1);
    });
    assert.equal(ranges.length, 3);
  });

  it('are found among very many routes without keeping anybody waiting', () => {
    const address = (index: number): string => `${10 + (index >> 16)}.${(index >> 8) & 255}.${index & 255}.0`;
    const many = Array.from({ length: 200_000 }, (_, index) => [
      route(`${address(index)}/25`, ETH, { table: index % 2 === 0 ? RT_TABLE_MAIN : 100 }),
      route(`${address(index)}/24`, index % 3 === 0 ? TUN : ETH),
      route(`${address(index)}/32`, undefined, { type: RTN_LOCAL, table: RT_TABLE_LOCAL }),
    ]).flat();
    const started = performance.now();
    const ranges = allowedSources(many, TUN);
    // Seconds on a busy machine; what grows with the square takes many minutes.
    assert.ok(performance.now() - started < 8_000, `${Math.round(performance.now() - started)} ms`);
    assert.ok(ranges.length > 60_000, String(ranges.length));
    assert.ok(isIn(many.slice(0, 9), '10.0.0.200') && !isIn(many.slice(0, 9), '10.0.0.0'));
  });

  it('are looked at again only where a change can concern them', () => {
    const covered = coveredBy([route('10.0.0.0/8', TUN)], TUN);
    assert.ok(mayMatter(route('1.2.3.4/32', TUN), TUN, covered));
    assert.ok(mayMatter(route('10.9.0.0/16', ETH), TUN, covered));
    assert.ok(mayMatter(route('0.0.0.0/0', ETH), TUN, covered));
    assert.ok(!mayMatter(route('11.0.0.0/8', ETH), TUN, covered));
  });
});
