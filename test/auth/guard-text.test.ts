import assert from 'node:assert/strict';
import fc from 'fast-check';
import { MAX_SALTS, MAX_SPENT_RUNS, MAX_TIME } from '../../src/auth/constants.js';
import { formatGuards, formatLastSigned, parseGuards, parseLastSigned } from '../../src/auth/guard-text.js';
import { accept, newGuard } from '../../src/auth/replay-guard.js';

const KEY = Buffer.alloc(32, 1).toString('base64');
const valid = { key: KEY, run: [5, 9], salts: [1, 0xffff_ffff], spent: [[0, 2]] };

const keys = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((raw) => Buffer.from(raw).toString('base64'));
const times = fc.integer({ min: 0, max: MAX_TIME });
const salts = fc.integer({ min: 0, max: 0xffff_ffff });
/** Guards as use makes them. */
const guards = fc
  .tuple(times, fc.array(fc.tuple(times, salts), { maxLength: 60 }))
  .map(([start, packets]) => packets.reduce((guard, [time, salt]) => accept(guard, time, salt), newGuard(start)));

describe('auth/guard-text', () => {
  it('writes one line of JSON', () => {
    const guard = { run: { from: 5, to: 9 }, salts: [7], spent: [{ from: 0, to: 2 }] };
    assert.equal(
      formatGuards(new Map([[KEY, guard]])),
      `{"version":1,"guards":[{"key":"${KEY}","run":[5,9],"salts":[7],"spent":[[0,2]]}]}\n`,
    );
    assert.equal(formatLastSigned(12), '{"version":1,"lastSigned":12}\n');
  });

  it('reads back every guard that use can make', () => {
    fc.assert(
      fc.property(fc.dictionary(keys, guards, { maxKeys: 5 }), (byKey) => {
        const map = new Map(Object.entries(byKey));
        assert.deepEqual(parseGuards(formatGuards(map)), { ok: true, value: map });
      }),
    );
  });

  it('says beside it what counts on this boot, and on no other', () => {
    const [kept, live] = [newGuard(9), accept(newGuard(5), 6, 7)].map((guard) => new Map([[KEY, guard]]));
    const text = formatGuards(kept!, { boot: 'this', value: live! });
    assert.deepEqual(parseGuards(text, 'this'), { ok: true, value: live });
    for (const boot of ['another', undefined]) assert.deepEqual(parseGuards(text, boot), { ok: true, value: kept });
    const client = formatLastSigned(9, { boot: 'this', value: 6 });
    assert.deepEqual(parseLastSigned(client, 'this'), { ok: true, value: 6 });
    assert.deepEqual(parseLastSigned(client, 'another'), { ok: true, value: 9 });
  });

  it('reads back every signed time', () => {
    fc.assert(
      fc.property(times, (seconds) => {
        assert.deepEqual(parseLastSigned(formatLastSigned(seconds)), { ok: true, value: seconds });
      }),
    );
  });

  it('gives a value or a fault for any text and any JSON', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.json()), (text) => {
        const live = `{"version":1,"guards":[],"lastSigned":1,"live":${text}}`;
        const ofBoot = `{"version":1,"guards":[],"lastSigned":1,"live":{"boot":"b","guards":${text},"lastSigned":${text}}}`;
        for (const [parse, given] of [parseGuards, parseLastSigned].flatMap((parse) =>
          [text, live, ofBoot].map((given) => [parse, given] as const),
        )) {
          const parsed = parse(given, 'b');
          if (!parsed.ok) assert(['damaged', 'other-version'].includes(parsed.fault.kind));
        }
      }),
    );
  });

  it('finds a file cut at any place damaged', () => {
    const text = formatGuards(new Map([[KEY, accept(newGuard(5), 9, 3)]]));
    for (let length = 0; length < text.trimEnd().length; length += 1) {
      assert.deepEqual(parseGuards(text.slice(0, length)), { ok: false, fault: { kind: 'damaged' } });
    }
  });

  it('names another version', () => {
    const fault = { kind: 'other-version', version: 2 };
    assert.deepEqual(parseGuards('{"version":2,"whatever":[]}'), { ok: false, fault });
    assert.deepEqual(parseLastSigned('{"version":2}'), { ok: false, fault });
  });

  describe('a guard no program of ours wrote is damaged', () => {
    const cases: Record<string, object> = {
      'a key that is none': { key: 'AAAA' },
      'a run backwards': { run: [9, 5] },
      'a run of three': { run: [1, 2, 3] },
      'a time below 0': { run: [-1, 5] },
      'a time above five bytes': { run: [0, MAX_TIME + 1] },
      'a time that is no whole number': { run: [0, 5.5] },
      'a salt above 32 bits': { salts: [0x1_0000_0000] },
      'a salt that is text': { salts: ['1'] },
      'too many salts': { salts: Array.from({ length: MAX_SALTS + 1 }, (_, salt) => salt) },
      'spent runs that overlap': {
        spent: [
          [0, 3],
          [3, 4],
        ],
      },
      'spent runs out of order': {
        spent: [
          [7, 8],
          [0, 3],
        ],
      },
      'too many spent runs': { spent: Array.from({ length: MAX_SPENT_RUNS + 1 }, (_, at) => [2 * at, 2 * at]) },
      'no spent runs': { spent: undefined },
    };
    const parsed = (...entries: object[]) => parseGuards(JSON.stringify({ version: 1, guards: entries }));

    it('(while the one they are made from is taken)', () => {
      assert(parsed(valid).ok);
    });
    for (const [what, change] of Object.entries(cases)) {
      it(what, () => {
        assert.deepEqual(parsed({ ...valid, ...change }), { ok: false, fault: { kind: 'damaged' } });
      });
    }
    it('a key twice', () => {
      assert.deepEqual(parsed(valid, valid), { ok: false, fault: { kind: 'damaged' } });
    });
  });
});
