import assert from 'node:assert/strict';
import fc from 'fast-check';
import { BUILD_SECONDS, MAX_SALTS, MAX_SPENT_RUNS } from '../../src/auth/constants.js';
import { accept, judge, newGuard, reservedFor, restartedAt } from '../../src/auth/replay-guard.js';
import type { GuardVerdict, ReplayGuard } from '../../src/auth/replay-guard.js';

const NOW = BUILD_SECONDS + 400 * 86_400;
const DAY = 86_400;
const YEAR = 365 * DAY;

/** Offers a packet and accepts it if it is fresh. */
function offer(guard: ReplayGuard, time: number, salt: number, now: number): [GuardVerdict, ReplayGuard] {
  const verdict = judge(guard, time, salt, now);
  return [verdict, verdict === 'fresh' ? accept(guard, time, salt) : guard];
}

const seen = (...packets: [time: number, salt: number][]): ReplayGuard =>
  packets.reduce((guard, [time, salt]) => accept(guard, time, salt), newGuard(NOW - 10));

describe('auth/replay-guard', () => {
  it('takes nothing from before its start, and everything from then on', () => {
    assert.equal(judge(newGuard(NOW), NOW - 1, 1, NOW), 'older');
    assert.equal(judge(newGuard(NOW), NOW, 1, NOW), 'fresh');
    assert.equal(judge(newGuard(NOW), NOW + 1, 1, NOW), 'fresh');
  });

  it('takes a packet once', () => {
    assert.equal(judge(seen([NOW, 1]), NOW, 1, NOW), 'replayed');
  });

  it('takes several packets of one second that differ in their salt, each once', () => {
    const guard = seen([NOW, 1], [NOW, 2]);
    assert.equal(judge(guard, NOW, 1, NOW), 'replayed');
    assert.equal(judge(guard, NOW, 2, NOW), 'replayed');
    assert.equal(judge(guard, NOW, 3, NOW), 'fresh');
  });

  it('refuses a time older than the newest, with whatever salt', () => {
    assert.equal(judge(seen([NOW, 1]), NOW - 1, 9, NOW), 'older');
  });

  it('takes a salt again in another second', () => {
    assert.equal(judge(seen([NOW, 1]), NOW + 1, 1, NOW), 'fresh');
  });

  it('refuses a time more than 24 h ahead', () => {
    assert.equal(judge(newGuard(NOW), NOW + DAY, 1, NOW), 'fresh');
    assert.equal(judge(newGuard(NOW), NOW + DAY + 1, 1, NOW), 'too-far-ahead');
  });

  it('judges no time ahead while its own clock is before the build date', () => {
    const wrong = BUILD_SECONDS - 1;
    assert.equal(judge(newGuard(0), NOW + 10 * YEAR, 1, wrong), 'fresh');
    assert.equal(judge(newGuard(0), BUILD_SECONDS + DAY + 1, 1, BUILD_SECONDS), 'too-far-ahead');
  });

  it('remembers a bounded number of salts and then refuses the second', () => {
    let guard = newGuard(NOW);
    for (let salt = 0; salt < MAX_SALTS; salt += 1) {
      const [verdict, next] = offer(guard, NOW, salt, NOW);
      assert.equal(verdict, 'fresh');
      guard = next;
    }
    assert.equal(judge(guard, NOW, MAX_SALTS, NOW), 'replayed');
    assert.equal(judge(guard, NOW + 1, 0, NOW), 'fresh');
  });

  describe('when clocks were wrong', () => {
    it('goes on after both clocks were ten years ahead and came back', () => {
      const guard = seen([NOW, 1], [NOW + 10 * YEAR, 2]);
      const [verdict, later] = offer(guard, NOW + 5, 3, NOW + 5);
      assert.equal(verdict, 'fresh');
      assert.equal(judge(later, NOW, 1, NOW + 5), 'replayed');
      assert.equal(judge(later, NOW + 5, 3, NOW + 5), 'replayed');
      assert.equal(judge(later, NOW + 4, 3, NOW + 5), 'older');
    });

    it('takes nothing older than what it goes on from', () => {
      const guard = seen([NOW, 1], [NOW + 10 * YEAR, 2]);
      assert.equal(judge(guard, NOW - 11, 3, NOW + 5), 'older');
    });

    it('takes nothing from within the run that it sets aside, not even what the clock would allow', () => {
      const hours = Array.from({ length: 31 }, (_, index): [number, number] => [NOW + index * 3600, 1]);
      const guard = seen(...hours);
      for (const [time] of hours) assert.notEqual(judge(guard, time, 1, NOW + 2 * 3600), 'fresh');
    });

    it('refuses, when that time really comes, only what was accepted of it', () => {
      const then = NOW + 10 * YEAR;
      const [, guard] = offer(seen([NOW, 1], [then, 2]), NOW + 5, 3, NOW + 5);
      assert.equal(judge(guard, then, 2, then), 'replayed');
      assert.equal(judge(guard, then - 100, 4, then), 'fresh');
      assert.equal(judge(guard, then + 1, 2, then), 'fresh');
    });

    it('goes on after a far time was accepted under a clock before the build date', () => {
      const [verdict, guard] = offer(newGuard(5), NOW + 50 * YEAR, 1, 100);
      assert.equal(verdict, 'fresh');
      assert.equal(judge(guard, NOW, 2, NOW), 'fresh');
    });

    it('opens nothing to replays when its clock falls back behind what it accepted', () => {
      const guard = seen([NOW, 1], [NOW + 60, 2], [NOW + 30 * DAY, 3]);
      const packets: [number, number][] = [
        [NOW, 1],
        [NOW + 60, 2],
        [NOW + 30 * DAY, 3],
      ];
      for (const clock of [NOW - YEAR, NOW - 2 * DAY, NOW, NOW + 2 * DAY, NOW + 40 * DAY, 0]) {
        for (const [time, salt] of packets) assert.notEqual(judge(guard, time, salt, clock), 'fresh');
      }
    });

    it('takes no packet twice, whatever its clock does and whatever it is offered', () => {
      const hours = fc.integer({ min: -40_000, max: 90_000 });
      const packet = fc.record({ time: hours, salt: fc.integer({ min: 0, max: 2 }), clock: hours });
      fc.assert(
        fc.property(fc.array(packet, { maxLength: 120 }), (packets) => {
          let guard = newGuard(NOW - 50_000 * 3600);
          const accepted = new Set<string>();
          for (const { time, salt, clock } of packets) {
            const name = `${time} ${salt}`;
            const [verdict, next] = offer(guard, NOW + time * 3600, salt, NOW + clock * 3600);
            if (verdict === 'fresh') assert(!accepted.has(name), `${name} was taken twice`);
            if (verdict === 'fresh') accepted.add(name);
            assert(next.spent.length <= MAX_SPENT_RUNS && next.salts.length <= MAX_SALTS);
            guard = next;
          }
        }),
      );
    });

    it('takes no packet twice when it had to join runs', () => {
      let guard = newGuard(NOW);
      const times = Array.from({ length: 3 * MAX_SPENT_RUNS }, (_, index) => NOW + (index % 7) + index * 2 * 3600);
      for (const time of times) guard = accept(guard, time, 1);
      assert.equal(guard.spent.length, MAX_SPENT_RUNS);
      for (const time of times) {
        for (const clock of times) assert.notEqual(judge(guard, time, 1, clock - 2 * DAY), 'fresh');
      }
    });
  });

  describe('across restarts', () => {
    it('started anew under a clock far behind, takes times from the start on but none that it had accepted', () => {
      const guard = restartedAt(seen([NOW, 1], [NOW + 5, 2]), NOW - 2 * DAY);
      assert.equal(judge(guard, NOW - 2 * DAY - 1, 1, NOW - 2 * DAY), 'older');
      assert.equal(judge(guard, NOW - 2 * DAY + 1, 1, NOW - 2 * DAY), 'fresh');
      assert.equal(judge(guard, NOW, 1, NOW), 'replayed');
      assert.equal(judge(guard, NOW + 5, 7, NOW), 'replayed');
    });

    it('reserves the seconds that follow', () => {
      const guard = reservedFor(seen([NOW, 1]), 5);
      assert.equal(judge(guard, NOW + 5, 9, NOW), 'older');
      assert.equal(judge(guard, NOW + 6, 9, NOW), 'fresh');
    });
  });
});
