import assert from 'node:assert/strict';
import fc from 'fast-check';
import { PlaneError } from '../../../src/dataplane/common/errors.js';
import type { InnerNetwork, TunnelSettings } from '../../../src/dataplane/index.js';
import { inner6Sources, MAX_PREFIXES } from '../../../src/dataplane/userspace/inner6-sources.js';
import { formatIpv6, parseIpv6 } from '../../../src/netlink/ip-address.js';
import { needsBuild } from '../../support/built.js';
import { udp6 } from './support/inner-packet.js';
import { ModuleRig } from './support/module-rig.js';

const [OWN, PEER] = ['fd00::1', 'fd00::2'];

const network = (text: string): InnerNetwork => {
  const [address = '', bits] = text.split('/');
  return { address, prefixLength: Number(bits) };
};
const tunnel = (...routes: readonly string[]): TunnelSettings => ({
  peer: 'peer',
  device: 'ipipou0',
  address: '172.28.0.0',
  peerAddress: '172.28.0.1',
  inner6: { address: OWN, peerAddress: PEER },
  routes: routes.map(network),
  lifetimeSeconds: 0,
});

/** Those of the sources that come out of such a tunnel. */
function letIn(settings: TunnelSettings, sources: readonly string[]): string[] {
  const rig = new ModuleRig({ ipv6: inner6Sources(settings) ?? assert.fail() });
  const entered = sources.filter((source) => {
    const packet = udp6(Buffer.from('x'), { source });
    const written = rig.receive([{ payload: packet }]);
    if (written.length > 0) assert.deepEqual(written[0]?.subarray(10), packet);
    return written.length > 0;
  });
  const { foreign, inPackets } = rig.module.counters();
  assert.deepEqual([foreign, inPackets], [sources.length - entered.length, entered.length]);
  return entered;
}

describe('inner IPv6 sources', () => {
  before(needsBuild);

  it("are the peer's own address alone where no network lies behind it", () => {
    const others = ['fd00::3', 'fd00::', 'fd01::2', 'fd00:0:0:1::2', '2001:db8::2', 'fe80::2', '::2'];
    assert.deepEqual(letIn(tunnel(), [...others, PEER, OWN]), [PEER]);
  });

  it('are not there for a tunnel that carries IPv4 alone, whatever is routed into it', () => {
    const { inner6, ...ipv4 } = tunnel('10.0.0.0/8');
    assert.notEqual(inner6, undefined);
    assert.equal(inner6Sources(ipv4), undefined);
  });

  it('are those of the networks behind it as well, to their first and last addresses', () => {
    const networks = tunnel('2001:db8:1::/48', '2001:db8:2::8/125', '10.1.0.0/16');
    const inside = ['2001:db8:1::', '2001:db8:1:ffff:ffff:ffff:ffff:ffff', '2001:db8:2::8', '2001:db8:2::f', PEER];
    const beside = ['2001:db8:0:ffff:ffff:ffff:ffff:ffff', '2001:db8:2::', '2001:db8:2::7', '2001:db8:2::10', OWN];
    assert.deepEqual(letIn(networks, [...beside, ...inside]), inside);
  });

  it('are never our own, nor nobody’s, however wide a network is', () => {
    const never = ['::', '::1', '::ffff:10.0.0.1', 'fe80::1', 'febf:ffff::1', 'ff02::1', 'ffff::', OWN];
    const any = ['::2', '1::1', 'fd00::3', 'fec0::1', 'fe7f::1', 'feff::1', '2001:db8::1', PEER];
    assert.deepEqual(letIn(tunnel('::/0'), [...never, ...any]), any);
    assert.deepEqual(letIn(tunnel('::/1', '8000::/1'), [...never, ...any]), any);
  });

  it('agree with a comparison of the first bits, for any networks and any source', () => {
    const bytes = fc.uint8Array({ minLength: 16, maxLength: 16 });
    const drawn = fc.array(fc.tuple(bytes, fc.integer({ min: 0, max: 128 })), { maxLength: 6 });
    /** ::/127, ::ffff:0:0/96, fe80::/10, ff00::/8 */
    const NEVER = ['0'.repeat(127), `${'0'.repeat(80)}${'1'.repeat(16)}`, '1111111010', '11111111'];
    const bitsOf = (address: string): string =>
      [...parseIpv6(address)].map((byte) => byte.toString(2).padStart(8, '0')).join('');
    fc.assert(
      fc.property(drawn, fc.array(bytes, { minLength: 1, maxLength: 4 }), fc.nat(), (networks, far, near) => {
        const texts = networks.map(([address, length]) => {
          const first = BigInt(`0x${Buffer.from(address).toString('hex')}`) >> BigInt(128 - length);
          const hex = (first << BigInt(128 - length)).toString(16).padStart(32, '0');
          return `${formatIpv6(Buffer.from(hex, 'hex')) ?? ''}/${length}`;
        });
        // One that is likely to be inside, too.
        const close = networks.map(([address]) => address)[near % Math.max(networks.length, 1)] ?? far[0]!;
        const sources = [...far, close].map((one) => formatIpv6(Buffer.from(one)) ?? '');
        const expected = sources.filter((source) => {
          const bits = bitsOf(source);
          if (source === OWN || NEVER.some((first) => bits.startsWith(first))) return false;
          const matches = (text: string): boolean => {
            const { address, prefixLength } = network(text);
            return bits.startsWith(bitsOf(address).slice(0, prefixLength));
          };
          return source === PEER || texts.some(matches);
        });
        assert.deepEqual(letIn(tunnel(...texts), sources), expected);
      }),
    );
  });

  it('are all told apart where there are as many networks as there is room for, and said where there are more', () => {
    const many = (count: number): string[] => Array.from({ length: count }, (_, index) => `2001:db8:${index}::/48`);
    const most = many(MAX_PREFIXES - 1);
    const last = `2001:db8:${most.length - 1}::1`;
    assert.deepEqual(letIn(tunnel(...most), [last, '2001:db8:fff::1']), [last]);
    assert.throws(
      () => inner6Sources(tunnel(...many(MAX_PREFIXES))),
      (error) => error instanceof PlaneError && /256 IPv6 networks .* give 255 at most/.test(error.message),
    );
  });
});
