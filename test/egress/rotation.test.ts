import assert from 'node:assert/strict';
import fc from 'fast-check';
import { formatAddress } from '../../src/egress/address.js';
import type { TunnelRotation } from '../../src/egress/policy.js';
import { poolFamilies, poolHas, poolSize, poolWithout } from '../../src/egress/pool.js';
import {
  BANS_MAX,
  formatHeld,
  nextDueMs,
  startRotation,
  stepRotation,
  type Rotation,
  type RotationEvent,
  type SlotSeed,
} from '../../src/egress/rotation.js';
import { address, policy, seededRandom } from './make.js';

const random = seededRandom(7);
const seed = (text: string, device = 'tun0', index = 0): SlotSeed => ({
  device,
  index,
  action: policy(`rotate per=tunnel ${text}`).action as TunnelRotation,
});
const step = (state: Rotation, event: RotationEvent, nowMs: number): Rotation =>
  stepRotation(state, event, nowMs, random);
const heldBy = (state: Rotation, slot = 0): string => formatHeld(state.slots[slot]!);

describe('rotation', () => {
  it('holds an address of each IP version its pool has', () => {
    const state = startRotation([seed('addresses=192.0.2.0/24,2001:db8::/64')], 0, random);
    const { held, action } = state.slots[0]!;
    assert.ok(poolHas(action.pool, held.ip!) && poolHas(action.pool, held.ip6!));
  });

  it('keeps what an earlier run drew, while the pool has it', () => {
    const kept = { ...seed('addresses=192.0.2.0/24'), held: { ip: address('192.0.2.77') } };
    assert.equal(heldBy(startRotation([kept], 0, random)), '192.0.2.77');
    const other = { ...seed('addresses=192.0.2.1'), held: { ip: address('192.0.2.77') } };
    assert.equal(heldBy(startRotation([other], 0, random)), '192.0.2.1');
  });

  it('draws anew when it is due, and not before', () => {
    const state = startRotation([seed('addresses=192.0.2.0/24 every=10s')], 1000, random);
    assert.equal(nextDueMs(state), 11_000);
    assert.equal(heldBy(step(state, { kind: 'clock' }, 10_999)), heldBy(state));
    const later = step(state, { kind: 'clock' }, 11_000);
    assert.notEqual(heldBy(later), heldBy(state));
    assert.equal(nextDueMs(later), 21_000);
  });

  it('draws anew on a roam only where it is told to, and only for that tunnel', () => {
    const state = startRotation(
      [
        seed('addresses=192.0.2.0/24 every=roam'),
        seed('addresses=198.51.100.0/24', 'tun0', 1),
        seed('addresses=203.0.113.0/24 every=roam', 'tun1'),
      ],
      0,
      random,
    );
    const moved = step(state, { kind: 'roamed', device: 'tun0' }, 5);
    assert.notEqual(heldBy(moved, 0), heldBy(state, 0));
    assert.equal(heldBy(moved, 1), heldBy(state, 1));
    assert.equal(heldBy(moved, 2), heldBy(state, 2));
  });

  it('draws anew on command, one tunnel or all', () => {
    const state = startRotation([seed('addresses=192.0.2.0/24'), seed('addresses=192.0.2.0/24', 'tun1')], 0, random);
    const one = step(state, { kind: 'rotate', device: 'tun1' }, 5);
    assert.equal(heldBy(one, 0), heldBy(state, 0));
    assert.notEqual(heldBy(one, 1), heldBy(state, 1));
    const all = step(one, { kind: 'rotate' }, 6);
    assert.notEqual(heldBy(all, 0), heldBy(one, 0));
  });

  it('moves a tunnel off an address that is banned, and back to none where all are', () => {
    let state = startRotation([seed('addresses=192.0.2.0/31')], 0, random);
    const banned = state.slots[0]!.held.ip!;
    state = step(state, { kind: 'ban', address: banned, forMs: 1000 }, 0);
    assert.notEqual(heldBy(state), formatAddress(banned));
    state = step(state, { kind: 'ban', address: state.slots[0]!.held.ip! }, 0);
    assert.equal(heldBy(state), 'none');
    assert.equal(nextDueMs(state), 1000);
    state = step(state, { kind: 'clock' }, 1000);
    assert.equal(heldBy(state), formatAddress(banned));
  });

  it('holds an address again as soon as one is unbanned', () => {
    let state = startRotation([seed('addresses=192.0.2.1,2001:db8::1 every=60s')], 0, random);
    state = step(state, { kind: 'ban', address: address('192.0.2.1') }, 10);
    assert.equal(heldBy(state), '2001:db8::1');
    state = step(state, { kind: 'unban', address: address('192.0.2.1') }, 20);
    assert.equal(heldBy(state), '192.0.2.1, 2001:db8::1');
    assert.equal(nextDueMs(state), 60_000, 'the time of the next draw stays');
  });

  it("holds no address of the server's own, and moves off one that becomes its own", () => {
    const own = [address('192.0.2.0')];
    const text = 'addresses=192.0.2.0/31';
    const state = startRotation([{ ...seed(text), held: { ip: own[0]! } }], 0, random, own);
    assert.equal(heldBy(state), '192.0.2.1');
    const other = step(state, { kind: 'own', addresses: [address('192.0.2.1')] }, 5);
    assert.equal(heldBy(other), '192.0.2.0');
    const both = step(other, { kind: 'own', addresses: [address('192.0.2.0'), address('192.0.2.1')] }, 6);
    assert.equal(heldBy(both), 'none');
    assert.notEqual(heldBy(step(both, { kind: 'own', addresses: [] }, 7)), 'none');
    const willing = startRotation([seed(`${text} own=yes`)], 0, random, [address('192.0.2.0'), address('192.0.2.1')]);
    assert.notEqual(heldBy(willing), 'none');
  });

  it('bans so many addresses and no more', () => {
    let state: Rotation = { slots: [], bans: [], own: [] };
    for (let value = 0; value <= BANS_MAX; value += 1) {
      state = step(state, { kind: 'ban', address: { family: 'ip', value: BigInt(value) } }, 0);
    }
    assert.equal(state.bans.length, BANS_MAX);
  });

  it('never holds an address that is banned or not of its pool, whatever happens', () => {
    const text = 'addresses=192.0.2.0/30,2001:db8::/127 edges=yes every=1s,roam';
    const one = fc.constantFrom('192.0.2.0', '192.0.2.1', '192.0.2.2', '192.0.2.3', '2001:db8::', '2001:db8::1');
    const event = fc.oneof(
      fc.constantFrom<RotationEvent>({ kind: 'clock' }, { kind: 'roamed', device: 'tun0' }, { kind: 'rotate' }),
      one.map((text): RotationEvent => ({ kind: 'ban', address: address(text), forMs: 1500 })),
      one.map((text): RotationEvent => ({ kind: 'ban', address: address(text) })),
      one.map((text): RotationEvent => ({ kind: 'unban', address: address(text) })),
    );
    fc.assert(
      fc.property(fc.array(fc.tuple(event, fc.nat(3000)), { maxLength: 25 }), fc.nat(), (events, start) => {
        let now = 0;
        const bytes = seededRandom(start);
        let state = startRotation([seed(text)], now, bytes);
        for (const [what, passed] of events) {
          now += passed;
          state = stepRotation(stepRotation(state, { kind: 'clock' }, now, bytes), what, now, bytes);
          const { held, action } = state.slots[0]!;
          const free = poolWithout(
            action.pool,
            state.bans.map((ban) => ban.address),
          );
          for (const family of poolFamilies(free)) assert.ok(poolHas(free, held[family]!));
          assert.equal(Object.keys(held).length, poolFamilies(free).length);
          if (poolSize(free) === 0n) assert.equal(heldBy(state), 'none');
        }
      }),
    );
  });
});
