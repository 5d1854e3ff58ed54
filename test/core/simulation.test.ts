import assert from 'node:assert/strict';
import { latestAllowed } from '../../src/auth/replay-guard.js';
import type { ReplayGuard } from '../../src/auth/replay-guard.js';
import { REPEAT_DELAYS_MS } from '../../src/core/client.js';
import { formatEndpoint } from '../../src/core/endpoint.js';
import type { Endpoint } from '../../src/core/endpoint.js';
import { SeededRandom } from './simulation-random.js';
import { ATTACKER, SERVER, World, signedTime } from './simulation-world.js';
import type { Arrival, Observer, WorldSettings } from './simulation-world.js';

const SECOND = 1000;
const HOUR = 3600 * SECOND;
const DAY = 24 * HOUR;
const YEAR = 365 * DAY;
const JUMPS_MS = [10 * SECOND, 60 * SECOND, HOUR, 23 * HOUR, 25 * HOUR, 3 * DAY, YEAR, 10 * YEAR];

/** How far ahead of its clock the client signs; more packets than that in a second share one. */
const LEAD_SECONDS = 5;
/** What a wait may be longer than it is called. */
const JITTER = 1.2;

const RUNS = 2000;
/** One run alone, to look at: SIMULATION_SEED=123. */
const ONLY = process.env['SIMULATION_SEED'];

/**
 * What must hold of the tunnel, said without the guard.
 *
 * Always: it points only to where a packet signed by the client came from, and no packet is accepted twice.
 * While the server's clock is steady: it points to where the newest of the packets that arrived came from, those signed
 * more than a day ahead not counted. The client's part in this: it signs no lower time than before, unless no server can
 * have accepted that one.
 */
class Oracle implements Observer {
  world!: World;
  readonly accepted = new Set<string>();
  readonly believed = new Set<string>();
  readonly refusedFor = new Map<string, string>();
  /** Set off for good by the first jump of the server's clock. */
  serverClockSteady = true;
  serverClockWentBack = false;
  attackerGotIn = 0;
  refusedReplays = 0;
  moves = 0;
  answers = 0;
  #newest: { readonly seconds: number; readonly from: Set<string> } = { seconds: -1, from: new Set() };
  #lastSigned = -1;
  /** A guard that was lost can't know packets that were signed after the server's start by its clock. */
  #lostAtSeconds = Infinity;

  sent(payload: Buffer, clientSeconds: number): void {
    assert(!this.world.sentFrom.has(payload.toString('hex')), 'the client sent the same packet twice');
    const seconds = signedTime(payload);
    const impossible = this.#lastSigned > latestAllowed(clientSeconds);
    assert(seconds >= this.#lastSigned || impossible, 'the client signed a lower time than before');
    // Of two that overtake each other the server must know which is the later, as far as the clock allows it.
    const mayShare = impossible || this.#lastSigned >= clientSeconds + LEAD_SECONDS;
    assert(seconds > this.#lastSigned || mayShare, 'the client signed one time twice');
    this.#lastSigned = seconds;
  }

  arrived(arrival: Arrival): void {
    const name = arrival.payload.toString('hex');
    const sentFrom = this.world.sentFrom.get(name);
    if (arrival.accepted) this.#checkAccepted(arrival, name, sentFrom);
    else if (this.accepted.has(name)) this.refusedReplays += 1;
    else this.refusedFor.set(name, arrival.reason ?? '');
    if (this.serverClockSteady) this.#checkNewest(arrival, sentFrom);
  }

  clientBelieved(answer: Buffer, from: Endpoint): void {
    assert.deepEqual(from, SERVER, 'the client believed somebody else');
    const name = answer.toString('hex');
    assert(!this.believed.has(name), 'the client believed an answer twice');
    this.believed.add(name);
    this.answers += 1;
  }

  /** Only its own packets' times are on its disk: answers are new to it again. */
  clientRestarted(diskLost: boolean): void {
    this.believed.clear();
    if (diskLost) this.#lastSigned = -1;
  }

  serverRestarted(guardLost: boolean, guard: ReplayGuard, bindingKept: boolean): void {
    if (guardLost) this.#lostAtSeconds = Math.min(this.#lostAtSeconds, guard.run.to);
    // Nothing was forgotten, and nothing more is refused than before: all that was said stands.
    if (!guardLost && bindingKept && guard.run.to <= this.#newest.seconds) return;
    // What the new guard refuses can't be what the tunnel points to; until something newer comes, all is said.
    this.#newest = { seconds: guard.run.to, from: new Set() };
  }

  #checkAccepted(arrival: Arrival, name: string, sentFrom: Endpoint | undefined): void {
    assert(sentFrom !== undefined, 'a packet was accepted that the client never signed');
    const forgotten = signedTime(arrival.payload) >= this.#lostAtSeconds || this.#lostWhileClockWentBack;
    if (!forgotten) assert(!this.accepted.has(name), 'a packet was accepted twice');
    this.accepted.add(name);
    if (arrival.actions.some(({ kind }) => kind === 'roam')) this.moves += 1;
    if (!arrival.byAttacker) {
      assert.equal(formatEndpoint(this.world.bound!), formatEndpoint(sentFrom));
      return;
    }
    // Refused when it came the first time, for its time alone, and acceptable since the clock went on: whoever delivers
    // it first is believed. The classic packet can't do better.
    const unspent = this.refusedFor.get(name) === 'clock' || this.serverClockWentBack;
    assert(unspent || forgotten, 'the attacker moved the tunnel with a captured packet');
    this.attackerGotIn += 1;
  }

  get #lostWhileClockWentBack(): boolean {
    return this.#lostAtSeconds < Infinity && this.serverClockWentBack;
  }

  #checkNewest({ payload, from, serverSeconds, accepted, byAttacker }: Arrival, sentFrom: Endpoint | undefined): void {
    const seconds = signedTime(payload);
    if (sentFrom === undefined || seconds > latestAllowed(serverSeconds)) {
      assert(!accepted);
      return;
    }
    if (byAttacker && accepted) {
      this.#newest = { seconds, from: new Set([formatEndpoint(from)]) };
      return;
    }
    if (byAttacker) return;
    if (seconds > this.#newest.seconds) this.#newest = { seconds, from: new Set([formatEndpoint(sentFrom)]) };
    else if (seconds === this.#newest.seconds && accepted) this.#newest.from.add(formatEndpoint(sentFrom));
    if (this.#newest.from.size === 0) return;
    assert(this.#newest.from.has(formatEndpoint(this.world.bound ?? ATTACKER)), 'the newest packet does not count');
  }
}

/** A run of some minutes or, where clocks and silences are long, some days. */
function simulate(seed: number): Oracle {
  const random = new SeededRandom(seed ^ 0x5eed);
  const oracle = new Oracle();
  const settings = {
    keepaliveSeconds: random.pick([0, 5, 27]),
    answers: random.pick(['none', 'reversed', 'signed'] as const),
    lossy: random.chance(0.8),
  };
  const world = new World(seed, settings, oracle);
  oracle.world = world;
  const clientClockJumps = random.chance(0.6);
  const serverClockJumps = random.chance(0.35);
  if (random.chance(0.5)) world.clientOffsetMs = random.between(-HOUR, HOUR);
  world.clientEvent({ kind: 'start' });

  for (let event = random.between(8, 30); event > 0; event -= 1) {
    happen(random, world, oracle, clientClockJumps, serverClockJumps);
    world.pass(random.chance(0.05) ? random.between(0, 3 * HOUR) % (400 * SECOND) : random.between(0, 12 * SECOND));
  }
  assertRecovers(world);
  assertFollows(world, settings);
  return oracle;
}

function happen(
  random: SeededRandom,
  world: World,
  oracle: Oracle,
  clientClockJumps: boolean,
  serverClockJumps: boolean,
): void {
  const jump = (): number => (random.chance(0.4) ? 0 : random.pick(JUMPS_MS) * random.pick([-1, 1]));
  switch (random.between(0, 11)) {
    case 0:
    case 1:
    case 2:
      world.moveClient(random.chance(0.6));
      break;
    case 3:
    case 4:
    case 5:
      if (world.captured.length > 0) world.attack(random.pick(world.captured));
      break;
    case 6:
      if (world.capturedAnswers.length > 0) {
        world.attack(random.pick(world.capturedAnswers));
        world.attackClient(random.pick(world.capturedAnswers));
        world.attackClient(random.pick(world.capturedAnswers), ATTACKER);
      }
      world.attack(random.bytes(random.pick([0, 72, 73, 74])));
      break;
    case 7:
      if (clientClockJumps) world.clientOffsetMs = jump();
      break;
    case 8:
      if (!serverClockJumps) break;
      jumpServerClock(world, oracle, jump());
      break;
    case 9:
      world.clientEvent({ kind: 'reauthenticate' });
      break;
    case 10:
      world.restartServer(random.chance(0.3), random.chance(0.7));
      break;
    case 11:
      world.restartClient(random.chance(0.2));
      break;
  }
}

function jumpServerClock(world: World, oracle: Oracle, offsetMs: number): void {
  if (offsetMs !== world.serverOffsetMs) oracle.serverClockSteady = false;
  if (offsetMs < world.serverOffsetMs) oracle.serverClockWentBack = true;
  world.serverOffsetMs = offsetMs;
}

/** With the clocks right and the network good again nobody stays locked out for longer than a day. */
function assertRecovers(world: World): void {
  world.lossy = false;
  world.clientOffsetMs = 0;
  world.serverOffsetMs = 0;
  for (const waitMs of [0, 25 * HOUR, 2 * HOUR]) {
    world.suspendClient();
    world.pass(waitMs);
    world.moveClient(false);
    world.clientEvent({ kind: 'reauthenticate' });
    world.pass(SECOND);
    if (world.clientIsReachable) return;
  }
  assert.fail('the client is locked out');
}

/** On a good network the tunnel follows the client also where that knows nothing of a move, and where a packet is lost. */
function assertFollows(world: World, { keepaliveSeconds, answers }: WorldSettings): void {
  world.restartClient(false);
  // What was on the way for long has come by then: behind a clock that was set back it counts as much as a new one.
  world.pass(10 * SECOND);
  if (keepaliveSeconds > 0) {
    world.moveClient(false);
    world.pass((keepaliveSeconds * JITTER + 1) * SECOND);
    assert(world.clientIsReachable, 'the keepalive did not repair the tunnel');
  }
  if (answers === 'none') return;
  world.moveClient(false);
  for (const lost of [1, 2, 3]) {
    world.loseNext(lost);
    world.clientEvent({ kind: 'reauthenticate' });
    const waits = REPEAT_DELAYS_MS.slice(0, lost).reduce((sum, wait) => sum + wait, 0);
    world.pass(waits * JITTER + SECOND);
    assert(world.clientIsReachable, `the client did not repeat what was lost ${lost} times`);
    world.moveClient(false);
  }
}

describe('core: simulated tunnels', function () {
  this.timeout(120_000);

  it(`hold what they promise in ${RUNS} runs`, () => {
    const seeds = ONLY === undefined ? Array.from({ length: RUNS }, (_, seed) => seed) : [Number(ONLY)];
    const sum = { moves: 0, refusedReplays: 0, accepted: 0, believed: 0 };
    for (const seed of seeds) {
      try {
        const oracle = simulate(seed);
        sum.moves += oracle.moves;
        sum.refusedReplays += oracle.refusedReplays;
        sum.accepted += oracle.accepted.size;
        sum.believed += oracle.answers;
      } catch (error) {
        throw new Error(`run it alone with SIMULATION_SEED=${seed}: ${String(error)}`, { cause: error });
      }
    }
    // The runs are about something.
    if (ONLY !== undefined) return;
    assert(sum.moves > 3 * RUNS, `${sum.moves} moves`);
    assert(sum.refusedReplays > 3 * RUNS, `${sum.refusedReplays} refused replays`);
    assert(sum.believed > RUNS, `${sum.believed} answers believed`);
  });

  it('are the same whenever the seed is the same', () => {
    const [first, second] = [simulate(7), simulate(7)];
    assert.deepEqual([...first.accepted], [...second.accepted]);
  });
});
