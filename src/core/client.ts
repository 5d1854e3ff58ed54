/**
 * The client's decisions: when to say who we are, and whether an answer counts.
 *
 *              start, networkChanged, reauthenticate, remoteChanged: send
 *                 ┌──────────────────────────────────────────────┐
 *     ┌───────────▼──┐   valid answer, or the last repeat sent   ├─────────┐
 *     │   calling    │ ────────────────────────────────────────→ │ settled │
 *     └──────────────┘                                           └─────────┘
 *       timer repeat: send again, after 1, 2, 4, 8 s               timer keepalive (in both states): send
 *
 * `settled` does not promise that the server knows us: only servers with `reply-on-auth-ok` answer at all.
 */
import { MAX_TIME } from '../auth/constants.js';
import { decodeSignedPacket, reversedAnswer, verifyPacket } from '../auth/classic.js';
import type { PublicKey } from '../auth/keys.js';
import { accept, judge, latestAllowed, newGuard } from '../auth/replay-guard.js';
import type { ReplayGuard } from '../auth/replay-guard.js';
import type { ClientScheme, SignScheme } from '../auth/scheme.js';
import { sameEndpoint } from './endpoint.js';
import type { Endpoint } from './endpoint.js';
import { randomWord, signFresh } from './signing.js';
import { unixSeconds } from './time.js';
import type { Now } from './time.js';

/** Waits before the repeats of an unanswered packet; each is varied by up to a fifth either way. */
export const REPEAT_DELAYS_MS: readonly number[] = [1000, 2000, 4000, 8000];
const REPEAT_JITTER = 0.2;

/** Network changes come in swarms: within this time after a packet the next one waits. */
export const CHANGE_DAMPING_MS = 200;

/**
 * Packets are numbered by their signed time where the clock allows it, one second each, so that of two on the way the
 * later one counts: with this lead over the clock as many as `CHANGE_DAMPING_MS` lets leave within a second. In a swarm
 * that goes on, and behind a clock that was set back, several packets share a second: of them the last to arrive counts.
 */
const MAX_LEAD_SECONDS = 5;

/** Packets that share a second; far below what a server remembers of one. */
const MAX_SALTS_PER_SECOND = 256;

/** Requests whose answers we still know. */
const MAX_OUTSTANDING = 8;

export interface ClientSettings {
  readonly server: Endpoint;
  readonly scheme: ClientScheme;
  /** 0 is off. */
  readonly keepaliveSeconds: number;
  /** The time of the last packet signed by an earlier run; Unix seconds. */
  readonly lastSignedSeconds?: number | undefined;
}

/** Times that were signed; `salts` are those used within the last second. */
interface Signed {
  readonly seconds: number;
  readonly salts: readonly number[];
}

interface Request {
  readonly payload: Buffer;
  readonly sentAtMs: number;
}

export interface ClientState {
  readonly server: Endpoint;
  readonly scheme: ClientScheme;
  readonly keepaliveSeconds: number;
  readonly phase: { readonly kind: 'settled' } | { readonly kind: 'calling'; readonly repeats: number };
  readonly signed: Signed | undefined;
  /** Unanswered, oldest first. */
  readonly outstanding: readonly Request[];
  /** Of the server's key: its answers are not taken twice either. */
  readonly guard: ReplayGuard;
}

export type TimerName = 'repeat' | 'keepalive';

export type ClientEvent =
  | { readonly kind: 'start' }
  | { readonly kind: 'timer'; readonly name: TimerName }
  | { readonly kind: 'reauthenticate' }
  | { readonly kind: 'networkChanged' }
  /** The server's name has another address now. */
  | { readonly kind: 'remoteChanged'; readonly server: Endpoint }
  | { readonly kind: 'packet'; readonly from: Endpoint; readonly payload: Uint8Array };

export type AnswerDropReason =
  | 'not-the-server'
  /** No answer to anything we sent. */
  | 'unexpected'
  | 'length'
  | 'clock'
  | 'older'
  | 'replayed'
  | 'signature';

export type ClientAction =
  /** Our time has to be on record, so that a restart signs none before it; before the packet is sent, at best. */
  | { readonly kind: 'saveLastSigned'; readonly unixSeconds: number }
  | { readonly kind: 'sendAuth'; readonly to: Endpoint; readonly payload: Buffer }
  /** A timer that is armed again begins anew. */
  | { readonly kind: 'armTimer'; readonly name: TimerName; readonly afterMs: number }
  /** `signed`: the answer proves the server's key. `afterMs`: since the packet that was answered, or the last one. */
  | {
      readonly kind: 'authenticated';
      readonly server: Endpoint;
      readonly signed: boolean;
      readonly afterMs: number | undefined;
    }
  | { readonly kind: 'drop'; readonly from: Endpoint; readonly reason: AnswerDropReason };

export interface ClientStep {
  readonly state: ClientState;
  /** To be carried out in this order. */
  readonly actions: readonly ClientAction[];
}

export function createClient(settings: ClientSettings): ClientState {
  const { server, scheme, keepaliveSeconds, lastSignedSeconds: seconds } = settings;
  return {
    server,
    scheme,
    keepaliveSeconds,
    phase: { kind: 'settled' },
    signed: seconds === undefined ? undefined : { seconds, salts: [] },
    outstanding: [],
    guard: newGuard(0),
  };
}

/** `random`: RANDOM_BYTES bytes, new for each call. */
export function stepClient(state: ClientState, event: ClientEvent, now: Now, random: Uint8Array): ClientStep {
  switch (event.kind) {
    case 'start':
    case 'reauthenticate':
      return call(state, now, random);
    case 'networkChanged':
      return networkChanged(state, now, random);
    case 'remoteChanged':
      return call({ ...state, server: event.server, outstanding: [] }, now, random);
    case 'timer':
      return event.name === 'repeat' ? repeat(state, now, random) : keepalive(state, now, random);
    case 'packet':
      return answered(state, event.from, event.payload, now);
  }
}

function call(state: ClientState, now: Now, random: Uint8Array): ClientStep {
  const { state: sent, actions } = send(state, now, random);
  return { state: { ...sent, phase: { kind: 'calling', repeats: 0 } }, actions: [...actions, armRepeat(0, random)] };
}

function networkChanged(state: ClientState, now: Now, random: Uint8Array): ClientStep {
  const last = state.outstanding.at(-1);
  const waitMs = last === undefined ? 0 : last.sentAtMs + CHANGE_DAMPING_MS - now.monotonicMs;
  if (waitMs <= 0) return call(state, now, random);
  // The waiting packet is sent as a repeat, and all repeats follow it.
  return {
    state: { ...state, phase: { kind: 'calling', repeats: -1 } },
    actions: [{ kind: 'armTimer', name: 'repeat', afterMs: waitMs }],
  };
}

function repeat(state: ClientState, now: Now, random: Uint8Array): ClientStep {
  // A timer that ran out while the answer came.
  if (state.phase.kind === 'settled') return { state, actions: [] };
  const repeats = state.phase.repeats + 1;
  const { state: sent, actions } = send(state, now, random);
  if (repeats >= REPEAT_DELAYS_MS.length) return { state: { ...sent, phase: { kind: 'settled' } }, actions };
  return { state: { ...sent, phase: { kind: 'calling', repeats } }, actions: [...actions, armRepeat(repeats, random)] };
}

function keepalive(state: ClientState, now: Now, random: Uint8Array): ClientStep {
  return state.keepaliveSeconds > 0 ? send(state, now, random) : { state, actions: [] };
}

function armRepeat(repeats: number, random: Uint8Array): ClientAction {
  const baseMs = REPEAT_DELAYS_MS[repeats] ?? 0;
  const spread = (randomWord(random, 4) / 0xffff_ffff) * 2 - 1;
  return { kind: 'armTimer', name: 'repeat', afterMs: Math.round(baseMs * (1 + REPEAT_JITTER * spread)) };
}

/** One packet, and the keepalive counted from it. */
function send(state: ClientState, now: Now, random: Uint8Array): ClientStep {
  const { server, scheme, keepaliveSeconds } = state;
  const actions: ClientAction[] = [];
  let { signed } = state;
  let payload: Buffer;
  if (scheme.kind === 'ed25519') {
    const next = nextSigned(signed, unixSeconds(now));
    const fresh = signFresh(scheme.ownKey, scheme.secret, next.seconds, random, next.salts);
    if (next.seconds !== signed?.seconds) actions.push({ kind: 'saveLastSigned', unixSeconds: next.seconds });
    signed = { seconds: next.seconds, salts: [...next.salts, fresh.salt] };
    payload = fresh.payload;
  } else {
    payload = scheme.kind === 'token' ? scheme.token : Buffer.alloc(0);
  }
  actions.push({ kind: 'sendAuth', to: server, payload });
  if (keepaliveSeconds > 0) actions.push({ kind: 'armTimer', name: 'keepalive', afterMs: keepaliveSeconds * 1000 });
  const outstanding = [...state.outstanding, { payload, sentAtMs: now.monotonicMs }].slice(-MAX_OUTSTANDING);
  return { state: { ...state, signed, outstanding }, actions };
}

/**
 * The time to sign next, and the salts already used with it. Never below the last one: a server has accepted that. Only
 * a last time that no server can have accepted is forgotten, as far as our clock is fit to tell.
 */
function nextSigned(last: Signed | undefined, clockSeconds: number): Signed {
  const clock = Math.min(clockSeconds, MAX_TIME);
  if (last === undefined || last.seconds < clock || last.seconds > latestAllowed(clockSeconds)) {
    return { seconds: clock, salts: [] };
  }
  const mayLead = last.seconds < clock + MAX_LEAD_SECONDS || last.salts.length >= MAX_SALTS_PER_SECOND;
  return mayLead && last.seconds < MAX_TIME ? { seconds: last.seconds + 1, salts: [] } : last;
}

function answered(state: ClientState, from: Endpoint, payload: Uint8Array, now: Now): ClientStep {
  const { server, scheme } = state;
  const drop = (reason: AnswerDropReason): ClientStep => ({ state, actions: [{ kind: 'drop', from, reason }] });
  if (!sameEndpoint(from, server)) return drop('not-the-server');
  const settled = (request: Request | undefined, signed: boolean, guard: ReplayGuard): ClientStep => ({
    state: {
      ...state,
      guard,
      phase: { kind: 'settled' },
      outstanding: state.outstanding.filter((other) => other !== request),
    },
    actions: [{ kind: 'authenticated', server, signed, afterMs: request && now.monotonicMs - request.sentAtMs }],
  });

  if (scheme.kind === 'ed25519' && scheme.peerKey !== undefined) {
    const verdict = examineAnswer(scheme, scheme.peerKey, state.guard, payload, now);
    return verdict.ok ? settled(state.outstanding.at(-1), true, verdict.guard) : drop(verdict.reason);
  }
  const request = state.outstanding.find((sent) => reversedAnswer(sent.payload).equals(payload));
  return request === undefined ? drop('unexpected') : settled(request, false, state.guard);
}

type Examined =
  { readonly ok: true; readonly guard: ReplayGuard } | { readonly ok: false; readonly reason: AnswerDropReason };

function examineAnswer(
  scheme: SignScheme,
  serverKey: PublicKey,
  guard: ReplayGuard,
  payload: Uint8Array,
  now: Now,
): Examined {
  const packet = decodeSignedPacket(payload);
  if (packet === undefined) return { ok: false, reason: 'length' };
  const verdict = judge(guard, packet.time, packet.salt, unixSeconds(now));
  if (verdict === 'too-far-ahead') return { ok: false, reason: 'clock' };
  if (verdict !== 'fresh') return { ok: false, reason: verdict };
  if (!verifyPacket(packet, serverKey, scheme.secret)) return { ok: false, reason: 'signature' };
  return { ok: true, guard: accept(guard, packet.time, packet.salt) };
}
