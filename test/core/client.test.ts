import assert from 'node:assert/strict';
import { decodeSignedPacket, reversedAnswer, signPacket, verifyPacket } from '../../src/auth/classic.js';
import { BUILD_SECONDS } from '../../src/auth/constants.js';
import { keyPairFromSeed } from '../../src/auth/keys.js';
import { mistakable } from '../../src/core/classifier.js';
import { CHANGE_DAMPING_MS, REPEAT_DELAYS_MS, createClient, stepClient } from '../../src/core/client.js';
import type {
  AnswerDropReason,
  ClientAction,
  ClientEvent,
  ClientSettings,
  ClientState,
} from '../../src/core/client.js';

const START = BUILD_SECONDS + 1_000_000;
const DAY = 86_400;
const SECRET = Buffer.from('topsecret');
const own = keyPairFromSeed(Buffer.alloc(32, 1));
const serverKey = keyPairFromSeed(Buffer.alloc(32, 2));
const SERVER = { address: '203.0.113.1', port: 10000 };
const signs = { kind: 'ed25519', ownKey: own, peerKey: serverKey.publicKey, secret: SECRET } as const;
const signsUnanswered = { kind: 'ed25519', ownKey: own, secret: SECRET } as const;

const base: ClientSettings = { server: SERVER, scheme: signs, keepaliveSeconds: 0 };

/** A client, its wall clock (`seconds` after START) and how long it has been running. */
class Bench {
  seconds = 0;
  elapsedMs = 0;
  random = Buffer.from('00000001' + '80000000', 'hex');
  state: ClientState;

  constructor(settings: Partial<ClientSettings> = {}) {
    this.state = createClient({ ...base, ...settings });
  }

  step(event: ClientEvent | ClientEvent['kind']): readonly ClientAction[] {
    const now = { unixMs: (START + this.seconds) * 1000, monotonicMs: this.elapsedMs };
    const what = typeof event === 'string' ? ({ kind: event } as ClientEvent) : event;
    const { state, actions } = stepClient(this.state, what, now, this.random);
    this.state = state;
    return actions;
  }

  /** The payload that an event makes it send. */
  sent(event: ClientEvent | ClientEvent['kind']): Buffer {
    const send = this.step(event).find((action) => action.kind === 'sendAuth');
    assert(send !== undefined);
    return send.payload;
  }

  /** Signed time, relative to START. */
  time(event: ClientEvent | ClientEvent['kind'] = 'reauthenticate'): number {
    return decodeSignedPacket(this.sent(event))!.time - START;
  }

  answer(payload: Buffer, from = SERVER): readonly ClientAction[] {
    return this.step({ kind: 'packet', from, payload });
  }

  refused(payload: Buffer, from = SERVER): AnswerDropReason {
    const before = this.state;
    const [drop, ...rest] = this.answer(payload, from);
    assert.deepEqual(this.state, before);
    assert(drop?.kind === 'drop' && rest.length === 0);
    return drop.reason;
  }
}

const repeatTimer = { kind: 'timer', name: 'repeat' } as const;
const keepaliveTimer = { kind: 'timer', name: 'keepalive' } as const;
const kinds = (actions: readonly ClientAction[]): string[] => actions.map(({ kind }) => kind);
const answerAt = (seconds: number, salt = 5, key = serverKey): Buffer => signPacket(key, SECRET, START + seconds, salt);

describe('core/client', () => {
  describe('sends', () => {
    it('a packet that the server can verify, having put its time on record first', () => {
      const actions = new Bench().step('start');
      assert.deepEqual(kinds(actions), ['saveLastSigned', 'sendAuth', 'armTimer']);
      const [save, send] = actions;
      assert(save?.kind === 'saveLastSigned' && send?.kind === 'sendAuth');
      assert.equal(save.unixSeconds, START);
      assert.deepEqual(send.to, SERVER);
      const packet = decodeSignedPacket(send.payload);
      assert(packet !== undefined && verifyPacket(packet, own.publicKey, SECRET));
      assert.equal(packet.time, START);
    });

    it('the token, or nothing, where that is the scheme', () => {
      const scheme = { kind: 'token', token: Buffer.from('sesame') } as const;
      assert.equal(new Bench({ scheme }).sent('start').toString(), 'sesame');
      const actions = new Bench({ scheme: { kind: 'none' } }).step('start');
      assert.deepEqual(actions[0], { kind: 'sendAuth', to: SERVER, payload: Buffer.alloc(0) });
    });

    it('only packets that nobody takes for inner ones, reversed or not', () => {
      const bench = new Bench();
      for (let salt = 0; salt < 200; salt += 1) {
        bench.random.writeUInt32BE(salt, 0);
        assert.equal(mistakable(bench.sent('reauthenticate')), false);
      }
    });

    it('to where the server’s name leads now', () => {
      const bench = new Bench();
      bench.step('start');
      const server = { address: '203.0.113.9', port: 10001 };
      const [, send] = bench.step({ kind: 'remoteChanged', server });
      assert(send?.kind === 'sendAuth');
      assert.deepEqual(send.to, server);
      assert.equal(bench.refused(answerAt(0), SERVER), 'not-the-server');
    });
  });

  describe('repeats an unanswered packet', () => {
    for (const kind of ['start', 'reauthenticate', 'networkChanged'] as const) {
      it(`four times after ${kind}, ever later, each one anew`, () => {
        const bench = new Bench();
        const waits: number[] = [];
        const payloads = new Set<string>();
        let actions = bench.step(kind);
        for (;;) {
          const send = actions.find((action) => action.kind === 'sendAuth');
          payloads.add(send!.payload.toString('hex'));
          const arm = actions.find((action) => action.kind === 'armTimer');
          if (arm === undefined) break;
          waits.push(arm.afterMs);
          bench.elapsedMs += arm.afterMs;
          actions = bench.step(repeatTimer);
        }
        assert.deepEqual(waits, REPEAT_DELAYS_MS);
        assert.equal(payloads.size, 5);
        assert.deepEqual(bench.step(repeatTimer), []);
      });
    }

    it('with waits that vary by a fifth', () => {
      const wait = (jitter: string): number => {
        const bench = new Bench();
        bench.random = Buffer.from('00000001' + jitter, 'hex');
        const arm = bench.step('start').at(-1);
        return arm?.kind === 'armTimer' ? arm.afterMs : 0;
      };
      assert.deepEqual([wait('00000000'), wait('80000000'), wait('ffffffff')], [800, 1000, 1200]);
    });

    it('no more once an answer came', () => {
      const bench = new Bench();
      bench.step('start');
      bench.answer(answerAt(0));
      assert.deepEqual(bench.step(repeatTimer), []);
    });

    it('from the beginning after another change', () => {
      const bench = new Bench();
      bench.step('start');
      bench.step(repeatTimer);
      bench.step(repeatTimer);
      const arm = bench.step('reauthenticate').at(-1);
      assert.deepEqual(arm, { kind: 'armTimer', name: 'repeat', afterMs: 1000 });
    });

    it('and makes one packet of a swarm of network changes', () => {
      const bench = new Bench();
      bench.step('start');
      bench.elapsedMs = 50;
      const waiting = { kind: 'armTimer', name: 'repeat', afterMs: CHANGE_DAMPING_MS - 50 };
      assert.deepEqual(bench.step('networkChanged'), [waiting]);
      bench.elapsedMs = 199;
      assert.deepEqual(bench.step('networkChanged'), [{ ...waiting, afterMs: 1 }]);
      bench.elapsedMs = 200;
      const actions = bench.step(repeatTimer);
      assert.deepEqual(kinds(actions), ['saveLastSigned', 'sendAuth', 'armTimer']);
      assert.deepEqual(actions.at(-1), { kind: 'armTimer', name: 'repeat', afterMs: 1000 });
    });
  });

  describe('keepalive', () => {
    it('is counted from the last packet, whatever that was', () => {
      const bench = new Bench({ keepaliveSeconds: 27 });
      const arm = { kind: 'armTimer', name: 'keepalive', afterMs: 27_000 };
      for (const event of ['start', repeatTimer, keepaliveTimer, 'networkChanged'] as const) {
        bench.elapsedMs += 1000;
        assert(bench.step(event).some((action) => JSON.stringify(action) === JSON.stringify(arm)));
      }
    });

    it('goes on when repeats are over, one packet at a time', () => {
      const bench = new Bench({ keepaliveSeconds: 27 });
      bench.step('start');
      for (let count = 0; count < 4; count += 1) bench.step(repeatTimer);
      assert.deepEqual(kinds(bench.step(keepaliveTimer)).slice(-2), ['sendAuth', 'armTimer']);
    });

    it('is off at 0', () => {
      const bench = new Bench();
      assert(!bench.step('start').some((action) => action.kind === 'armTimer' && action.name === 'keepalive'));
      assert.deepEqual(bench.step(keepaliveTimer), []);
    });
  });

  describe('the signed time', () => {
    it('is the clock’s', () => {
      const bench = new Bench();
      assert.equal(bench.time(), 0);
      bench.seconds = 60;
      assert.equal(bench.time(), 60);
    });

    it('grows from packet to packet, up to 5 s ahead of the clock', () => {
      const bench = new Bench();
      const times = Array.from({ length: 8 }, () => bench.time());
      assert.deepEqual(times, [0, 1, 2, 3, 4, 5, 5, 5]);
    });

    it('is never below the last one when the clock steps back', () => {
      const bench = new Bench();
      bench.seconds = 3600;
      bench.time();
      bench.seconds = 0;
      assert.deepEqual([bench.time(), bench.time()], [3600, 3600]);
    });

    it('is not below the last one of an earlier run', () => {
      assert.equal(new Bench({ lastSignedSeconds: START + 3600 }).time(), 3600);
    });

    it('forgets a last one more than 24 h ahead, which no server can have accepted', () => {
      assert.equal(new Bench({ lastSignedSeconds: START + DAY }).time(), DAY);
      assert.equal(new Bench({ lastSignedSeconds: START + DAY + 1 }).time(), 0);
    });

    it('holds on to the last one while the clock is before the build date', () => {
      const bench = new Bench({ lastSignedSeconds: START });
      bench.seconds = 1000 - START;
      assert.equal(bench.time(), 0);
    });

    it('comes with another salt whenever it is the same', () => {
      const bench = new Bench({ lastSignedSeconds: START + 3600 });
      const seen = new Map<number, Set<number>>();
      for (let count = 0; count < 600; count += 1) {
        const { time, salt } = decodeSignedPacket(bench.sent('reauthenticate'))!;
        const salts = seen.get(time) ?? new Set();
        assert(!salts.has(salt));
        seen.set(time, salts.add(salt));
      }
      // Not so many to one second that a server could not remember them.
      assert.deepEqual(
        [...seen].map(([time, salts]) => [time - START, salts.size]),
        [
          [3600, 256],
          [3601, 256],
          [3602, 88],
        ],
      );
    });

    it('is one that can be signed, however wrong the clock', () => {
      for (const seconds of [-2 * START, 2 ** 41]) {
        const bench = new Bench();
        bench.seconds = seconds;
        bench.sent('start');
        bench.sent('start');
      }
    });
  });

  describe('an answer', () => {
    it('signed by the server says how long it took', () => {
      const bench = new Bench();
      bench.step('start');
      bench.elapsedMs = 30;
      assert.deepEqual(bench.answer(answerAt(0)), [
        { kind: 'authenticated', server: SERVER, signed: true, afterMs: 30 },
      ]);
    });

    it('reversed counts where the server’s key is not known, once', () => {
      for (const scheme of [
        signsUnanswered,
        { kind: 'token', token: Buffer.from('sesame') } as const,
        { kind: 'none' } as const,
      ]) {
        const bench = new Bench({ scheme });
        const answer = reversedAnswer(bench.sent('start'));
        bench.elapsedMs = 12;
        const authenticated = { kind: 'authenticated', server: SERVER, signed: false, afterMs: 12 };
        assert.deepEqual(bench.answer(answer), [authenticated]);
        assert.equal(bench.refused(answer), 'unexpected');
      }
    });

    it('may belong to an earlier packet', () => {
      const bench = new Bench({ scheme: signsUnanswered });
      const first = bench.sent('start');
      bench.elapsedMs = 1000;
      bench.step(repeatTimer);
      assert.deepEqual(kinds(bench.answer(reversedAnswer(first))), ['authenticated']);
    });

    it('is refused from anywhere but the server', () => {
      const bench = new Bench();
      bench.step('start');
      assert.equal(bench.refused(answerAt(0), { ...SERVER, port: 1 }), 'not-the-server');
      assert.equal(bench.refused(answerAt(0), { ...SERVER, address: '203.0.113.2' }), 'not-the-server');
    });

    it('is refused when it is no answer to us', () => {
      const bench = new Bench({ scheme: signsUnanswered });
      bench.step('start');
      for (const payload of [Buffer.alloc(0), Buffer.alloc(73), answerAt(0)]) {
        assert.equal(bench.refused(payload), 'unexpected');
      }
    });

    it('must be signed where the server’s key is known', () => {
      const bench = new Bench();
      const request = bench.sent('start');
      assert.notEqual(kinds(bench.answer(reversedAnswer(request)))[0], 'authenticated');
      assert.equal(bench.refused(Buffer.alloc(72)), 'length');
      assert.equal(bench.refused(answerAt(0, 5, own)), 'signature');
      assert.equal(bench.refused(request), 'signature');
    });

    it('is taken once, and none that is older', () => {
      const bench = new Bench();
      bench.step('start');
      bench.answer(answerAt(5));
      assert.equal(bench.refused(answerAt(5)), 'replayed');
      assert.equal(bench.refused(answerAt(4)), 'older');
      assert.deepEqual(kinds(bench.answer(answerAt(5, 6))), ['authenticated']);
    });

    it('from far ahead is refused and stands in nobody’s way', () => {
      const bench = new Bench();
      bench.step('start');
      assert.equal(bench.refused(answerAt(DAY + 1)), 'clock');
      assert.deepEqual(kinds(bench.answer(answerAt(0))), ['authenticated']);
    });
  });
});
