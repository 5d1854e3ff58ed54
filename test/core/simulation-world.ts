/**
 * A server, a roaming client behind a NAT, an attacker who hears everything, and a network between them. Nothing waits:
 * time is the time of the next event, and everything follows from the seed.
 *
 *     client ── NAT (endpoint changes) ── loss, duplicates, delay, reordering ── server
 *                                                          │          │
 *                                                          └ attacker ┘  sends again what has arrived, from its own address
 */
import { decodeSignedPacket } from '../../src/auth/classic.js';
import { BUILD_SECONDS } from '../../src/auth/constants.js';
import { keyPairFromSeed } from '../../src/auth/keys.js';
import { latestAllowed, newGuard, reservedFor, restartedAt } from '../../src/auth/replay-guard.js';
import type { ReplayGuard } from '../../src/auth/replay-guard.js';
import { createClient, stepClient } from '../../src/core/client.js';
import type { ClientEvent, ClientState, TimerName } from '../../src/core/client.js';
import { sameEndpoint } from '../../src/core/endpoint.js';
import type { Endpoint } from '../../src/core/endpoint.js';
import { createServer, stepServer } from '../../src/core/server.js';
import type { DropReason, PeerSettings, ServerAction, ServerEvent, ServerState } from '../../src/core/server.js';
import { RANDOM_BYTES } from '../../src/core/signing.js';
import type { Now } from '../../src/core/time.js';
import { SeededRandom } from './simulation-random.js';

const SECRET = Buffer.from('topsecret');
const clientKey = keyPairFromSeed(Buffer.alloc(32, 1));
const serverKey = keyPairFromSeed(Buffer.alloc(32, 2));
export const SERVER: Endpoint = { address: '203.0.113.1', port: 10000 };
export const ATTACKER: Endpoint = { address: '192.0.2.66', port: 6666 };

/** True time when a run begins: years after the build date, so that clocks can be wrong on either side of it. */
const START_MS = (BUILD_SECONDS + 3 * 365 * 86_400) * 1000;
const SAVE_INTERVAL_MS = 5000;

export interface WorldSettings {
  readonly keepaliveSeconds: number;
  /** Whether the server answers, signs its answers, and the client knows the key. */
  readonly answers: 'none' | 'reversed' | 'signed';
  readonly lossy: boolean;
}

/** What became of a packet that reached the server. */
export interface Arrival {
  readonly payload: Buffer;
  readonly from: Endpoint;
  readonly byAttacker: boolean;
  readonly actions: readonly ServerAction[];
  /** Whether it pointed the tunnel to where it came from, or kept it there. */
  readonly accepted: boolean;
  readonly reason: DropReason | undefined;
  readonly serverSeconds: number;
}

export interface Observer {
  /** The client sent a packet, by its clock at `clientSeconds`. */
  sent(payload: Buffer, clientSeconds: number): void;
  arrived(arrival: Arrival): void;
  /** A signed or reversed answer made the client believe that it is known. */
  clientBelieved(answer: Buffer, from: Endpoint): void;
  clientRestarted(diskLost: boolean): void;
  serverRestarted(guardLost: boolean, guard: ReplayGuard, bindingKept: boolean): void;
}

export class World {
  readonly random: SeededRandom;
  /** Where each of the client's packets was sent from, by payload. */
  readonly sentFrom = new Map<string, Endpoint>();
  /** What the attacker has recorded: everything that reached the server, and the server's answers. */
  readonly captured: Buffer[] = [];
  readonly capturedAnswers: Buffer[] = [];
  clientOffsetMs = 0;
  serverOffsetMs = 0;
  lossy: boolean;
  clientAt: Endpoint = { address: '198.51.100.1', port: 40000 };

  readonly #settings: WorldSettings;
  readonly #observer: Observer;
  #trueMs = START_MS;
  #queue: { readonly atMs: number; readonly order: number; readonly run: () => void }[] = [];
  #order = 0;
  #toLose = 0;
  #client: ClientState;
  #server: ServerState;
  #timers = new Map<TimerName, number>();
  /** What is on the two disks. */
  #lastSigned: number | undefined;
  #savedGuard: ReplayGuard | undefined;
  /** What is beside it for as long as the machine is up. */
  #liveGuard: ReplayGuard | undefined;
  #savedAtMs = -Infinity;

  constructor(seed: number, settings: WorldSettings, observer: Observer) {
    this.random = new SeededRandom(seed);
    this.#settings = settings;
    this.#observer = observer;
    this.lossy = settings.lossy;
    this.#client = this.#newClient();
    this.#server = createServer([{ settings: this.#peer(), guard: newGuard(0) }]);
  }

  /** Where the tunnel points. */
  get bound(): Endpoint | undefined {
    const binding = this.#server.peers[0]?.binding;
    return binding?.kind === 'bound' ? binding.endpoint : undefined;
  }

  get clientIsReachable(): boolean {
    return this.bound !== undefined && sameEndpoint(this.bound, this.clientAt);
  }

  get serverSeconds(): number {
    return Math.max(0, Math.floor((this.#trueMs + this.serverOffsetMs) / 1000));
  }

  /** Lets everything happen that happens within the next `ms`. */
  pass(ms: number): void {
    const untilMs = this.#trueMs + ms;
    for (;;) {
      let next = this.#queue[0];
      for (const event of this.#queue) {
        if (next === undefined || event.atMs < next.atMs || (event.atMs === next.atMs && event.order < next.order)) {
          next = event;
        }
      }
      if (next === undefined || next.atMs > untilMs) break;
      this.#queue = this.#queue.filter((event) => event !== next);
      this.#trueMs = next.atMs;
      next.run();
    }
    this.#trueMs = untilMs;
  }

  clientEvent(event: ClientEvent): void {
    const now = this.#now(this.clientOffsetMs);
    const { state, actions } = stepClient(this.#client, event, now, this.random.bytes(RANDOM_BYTES));
    this.#client = state;
    for (const action of actions) {
      switch (action.kind) {
        case 'sendAuth':
          this.#observer.sent(action.payload, Math.max(0, Math.floor(now.unixMs / 1000)));
          this.sentFrom.set(action.payload.toString('hex'), this.clientAt);
          this.#transmit(action.payload, this.clientAt);
          break;
        case 'saveLastSigned':
          this.#lastSigned = action.unixSeconds;
          break;
        case 'armTimer':
          this.#armTimer(action.name, action.afterMs);
          break;
        case 'authenticated':
          if (event.kind === 'packet') this.#observer.clientBelieved(Buffer.from(event.payload), event.from);
          break;
        case 'drop':
          break;
      }
    }
  }

  /** The client is behind another NAT, or the NAT gave it another port. It may notice. */
  moveClient(notices: boolean): void {
    const address = this.random.chance(0.5) ? this.clientAt.address : `198.51.100.${this.random.between(1, 9)}`;
    this.clientAt = { address, port: this.random.between(40000, 40500) };
    if (notices) this.clientEvent({ kind: 'networkChanged' });
  }

  restartClient(diskLost: boolean): void {
    if (diskLost) this.#lastSigned = undefined;
    this.#timers.clear();
    this.#client = this.#newClient();
    this.#observer.clientRestarted(diskLost);
    this.clientEvent({ kind: 'start' });
  }

  /** The client sends nothing of itself any more until it is started again. */
  suspendClient(): void {
    this.#timers.clear();
  }

  /** As after kill -9 (`bindingKept`), or after the machine itself was started anew. */
  restartServer(guardLost: boolean, bindingKept: boolean): void {
    const endpoint = this.bound;
    const saved = guardLost ? undefined : bindingKept ? this.#liveGuard : this.#savedGuard;
    const guard = saved === undefined ? newGuard(this.serverSeconds) : this.#loaded(saved);
    this.#savedGuard = saved;
    this.#liveGuard = saved;
    this.#savedAtMs = -Infinity;
    this.#server = createServer([{ settings: this.#peer(), guard }]);
    this.#observer.serverRestarted(saved === undefined, guard, bindingKept);
    if (bindingKept && endpoint !== undefined) this.#serverStep({ kind: 'adopted', peer: 'client', endpoint });
  }

  /** The attacker sends to the server, under its own address. */
  attack(payload: Buffer): void {
    this.#arrive(payload, ATTACKER, true);
  }

  /** The attacker sends to the client, under the server's address or its own. */
  attackClient(payload: Buffer, from = SERVER): void {
    this.clientEvent({ kind: 'packet', from, payload });
  }

  /** So many packets of the client's get lost from now on, and none of the others. */
  loseNext(packets: number): void {
    this.#toLose = packets;
  }

  #newClient(): ClientState {
    const peerKey = this.#settings.answers === 'signed' ? serverKey.publicKey : undefined;
    return createClient({
      server: SERVER,
      scheme: { kind: 'ed25519', ownKey: clientKey, peerKey, secret: SECRET },
      keepaliveSeconds: this.#settings.keepaliveSeconds,
      lastSignedSeconds: this.#lastSigned,
    });
  }

  #peer(): PeerSettings {
    const ownKey = this.#settings.answers === 'signed' ? serverKey : undefined;
    return {
      peer: 'client',
      scheme: { kind: 'ed25519', peerKey: clientKey.publicKey, ownKey, secret: SECRET },
      byRemoteIp: false,
      byRemotePort: false,
      maxDiscrepancySeconds: 0,
      lifetimeSeconds: 0,
      replyOnAuthOk: this.#settings.answers !== 'none',
    };
  }

  #now(offsetMs: number): Now {
    return { unixMs: this.#trueMs + offsetMs, monotonicMs: this.#trueMs - START_MS };
  }

  #after(delayMs: number, run: () => void): void {
    this.#queue.push({ atMs: this.#trueMs + delayMs, order: (this.#order += 1), run });
  }

  #armTimer(name: TimerName, afterMs: number): void {
    const armed = (this.#order += 1);
    this.#timers.set(name, armed);
    this.#after(afterMs, () => {
      if (this.#timers.get(name) !== armed) return;
      this.#timers.delete(name);
      this.clientEvent({ kind: 'timer', name });
    });
  }

  /** The network's whims: usually tens of milliseconds, now and then so long that later packets overtake. */
  #deliveries(): readonly number[] {
    if (!this.lossy) return [20];
    if (this.random.chance(0.25)) return [];
    const delay = (): number =>
      this.random.chance(0.15) ? this.random.between(500, 9000) : this.random.between(5, 90);
    return this.random.chance(0.15) ? [delay(), delay()] : [delay()];
  }

  #transmit(payload: Buffer, from: Endpoint): void {
    if (this.#toLose > 0) {
      this.#toLose -= 1;
      return;
    }
    for (const delayMs of this.#deliveries()) {
      this.#after(delayMs, () => {
        this.#arrive(payload, from, false);
      });
    }
  }

  #arrive(payload: Buffer, from: Endpoint, byAttacker: boolean): void {
    const serverSeconds = this.serverSeconds;
    const actions = this.#serverStep({ kind: 'authPacket', from, payload });
    const drop = actions.find((action) => action.kind === 'drop');
    if (!byAttacker) this.captured.push(payload);
    this.#observer.arrived({
      payload,
      from,
      byAttacker,
      actions,
      accepted: drop === undefined,
      reason: drop?.reason,
      serverSeconds,
    });
  }

  #serverStep(event: ServerEvent): readonly ServerAction[] {
    const { state, actions } = stepServer(
      this.#server,
      event,
      this.#now(this.serverOffsetMs),
      this.random.bytes(RANDOM_BYTES),
    );
    this.#server = state;
    for (const action of actions) {
      if (action.kind === 'saveGuard') this.#save(action.guard, action.urgent);
      if (action.kind === 'reply') this.#answer(action.makePayload(), action.to);
    }
    return actions;
  }

  /** What the saver of `auth/guard-file` leaves on the disk, for the worst moment of a crash. */
  #save(guard: ReplayGuard, urgent: boolean): void {
    this.#liveGuard = guard;
    if (urgent || this.#trueMs - this.#savedAtMs >= SAVE_INTERVAL_MS) {
      this.#savedGuard = guard;
      this.#savedAtMs = this.#trueMs;
    } else if (this.#savedGuard === undefined || this.#savedGuard.run.to <= guard.run.to) {
      this.#savedGuard = reservedFor(guard, SAVE_INTERVAL_MS / 1000);
    }
  }

  #loaded(saved: ReplayGuard): ReplayGuard {
    return saved.run.to > latestAllowed(this.serverSeconds) ? restartedAt(saved, this.serverSeconds) : saved;
  }

  #answer(payload: Buffer, to: Endpoint): void {
    this.capturedAnswers.push(payload);
    for (const delayMs of this.#deliveries()) {
      this.#after(delayMs, () => {
        if (sameEndpoint(to, this.clientAt)) this.clientEvent({ kind: 'packet', from: SERVER, payload });
      });
    }
  }
}

export const signedTime = (payload: Buffer): number => decodeSignedPacket(payload)?.time ?? -1;
