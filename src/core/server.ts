/**
 * The server's decisions: who may point the tunnel where.
 *
 *                  authPacket ok → bind                  authPacket ok, same endpoint → refresh
 *     ┌─────────┐ ────────────────────────→ ┌───────┐ ←──┐
 *     │ unbound │                           │ bound │ ───┘
 *     └─────────┘ ←──────────────────────── └───────┘ ←──┐
 *                  bindFailed                        └───┘ authPacket ok, other endpoint → roam
 *                  adopted: bound, with no action
 *
 * Whatever is not ok ends in `drop` and changes nothing. A bound peer is not promised to be reachable: its lifetime is
 * the data plane's to enforce, and an endpoint that ran out there is renewed by `refresh` like any other.
 */
import { decodeSignedPacket, reversedAnswer, tokenMatches, verifyPacket } from '../auth/classic.js';
import { samePublicKey } from '../auth/keys.js';
import { accept, judge } from '../auth/replay-guard.js';
import type { ReplayGuard } from '../auth/replay-guard.js';
import type { ServerScheme, VerifyScheme } from '../auth/scheme.js';
import { sameEndpoint } from './endpoint.js';
import type { Endpoint } from './endpoint.js';
import { signFresh } from './signing.js';
import { unixSeconds } from './time.js';
import type { Now } from './time.js';

export interface PeerSettings {
  /** How actions and events name the peer. */
  readonly peer: string;
  /** Token and none have no replay protection: who hears a packet can send it again, from anywhere. */
  readonly scheme: ServerScheme;
  /** What is configured of the peer's endpoint. */
  readonly remote?: Partial<Endpoint> | undefined;
  /** Comes before the scheme and combines with it: the source must be the configured remote, else the last one. */
  readonly byRemoteIp: boolean;
  readonly byRemotePort: boolean;
  /** How far a signed time may be from our clock, either way; 0 is not checked. */
  readonly maxDiscrepancySeconds: number;
  /** 0 is for ever. */
  readonly lifetimeSeconds: number;
  readonly replyOnAuthOk: boolean;
}

export type Binding =
  | { readonly kind: 'unbound' }
  | {
      readonly kind: 'bound';
      readonly endpoint: Endpoint;
      /** By the monotonic clock; undefined where there is no limit. */
      readonly expiresAtMs: number | undefined;
    };

export interface PeerState {
  readonly settings: PeerSettings;
  readonly binding: Binding;
  /** The endpoint of the last success, also when it is no longer bound. */
  readonly last: Endpoint | undefined;
  /** Of the peer's key; stays as it is in schemes that have none. */
  readonly guard: ReplayGuard;
}

export interface ServerState {
  /** In the order in which a packet is offered to them. */
  readonly peers: readonly PeerState[];
}

export type ServerEvent =
  | { readonly kind: 'authPacket'; readonly from: Endpoint; readonly payload: Uint8Array }
  /** The data plane found the peer bound by an earlier run. */
  | {
      readonly kind: 'adopted';
      readonly peer: string;
      readonly endpoint: Endpoint;
      readonly remainingLifetimeMs?: number | undefined;
    }
  /** The data plane could not carry out a `bind` or `roam`: the peer's next valid packet, from anywhere, binds anew. */
  | { readonly kind: 'bindFailed'; readonly peer: string; readonly endpoint: Endpoint };

export type DropReason =
  | 'no-peer'
  | 'remote-ip'
  | 'remote-port'
  | 'length'
  | 'token'
  | 'clock'
  | 'discrepancy'
  | 'older'
  | 'replayed'
  | 'signature'
  | 'reflected';

export type ServerAction =
  | { readonly kind: 'bind'; readonly peer: string; readonly endpoint: Endpoint }
  | { readonly kind: 'roam'; readonly peer: string; readonly from: Endpoint; readonly to: Endpoint }
  | { readonly kind: 'refresh'; readonly peer: string; readonly endpoint: Endpoint }
  | { readonly kind: 'saveGuard'; readonly peer: string; readonly guard: ReplayGuard; readonly urgent: boolean }
  /** Made when it is sent: the signature takes as long as the check of one, and what stands before it is more urgent. */
  | { readonly kind: 'reply'; readonly to: Endpoint; readonly makePayload: () => Buffer }
  | { readonly kind: 'drop'; readonly from: Endpoint; readonly reason: DropReason };

export interface ServerStep {
  readonly state: ServerState;
  /** To be carried out in this order; a `reply` only if what stands before it succeeded. */
  readonly actions: readonly ServerAction[];
}

/** Throws RangeError where a peer's key is our own: its packets could be our answers, sent back. */
export function createServer(peers: readonly { settings: PeerSettings; guard: ReplayGuard }[]): ServerState {
  for (const { settings } of peers) {
    const { scheme } = settings;
    if (scheme.kind === 'ed25519' && scheme.ownKey && samePublicKey(scheme.ownKey.publicKey, scheme.peerKey)) {
      throw new RangeError(`the public key of peer ${settings.peer} is our own`);
    }
  }
  const unbound = peers.map(({ settings, guard }) => ({
    settings,
    guard,
    binding: { kind: 'unbound' } as const,
    last: undefined,
  }));
  // A peer that takes anything must not take what proves another one.
  return { peers: unbound.sort((a, b) => rank(a.settings.scheme) - rank(b.settings.scheme)) };
}

/** `random`: RANDOM_BYTES bytes, new for each call. */
export function stepServer(state: ServerState, event: ServerEvent, now: Now, random: Uint8Array): ServerStep {
  switch (event.kind) {
    case 'authPacket':
      return authPacketArrived(state, event.from, event.payload, now, random);
    case 'adopted': {
      const { peer, endpoint, remainingLifetimeMs: remaining } = event;
      const expiresAtMs = remaining === undefined ? undefined : now.monotonicMs + remaining;
      const binding: Binding = { kind: 'bound', endpoint, expiresAtMs };
      return { state: withPeer(state, peer, (old) => ({ ...old, binding, last: endpoint })), actions: [] };
    }
    case 'bindFailed': {
      const { peer, endpoint } = event;
      const unbind = (old: PeerState): PeerState =>
        isBoundTo(old, endpoint) ? { ...old, binding: { kind: 'unbound' } } : old;
      return { state: withPeer(state, peer, unbind), actions: [] };
    }
  }
}

function authPacketArrived(
  state: ServerState,
  from: Endpoint,
  payload: Uint8Array,
  now: Now,
  random: Uint8Array,
): ServerStep {
  let reason: DropReason = 'no-peer';
  for (const peer of state.peers) {
    const verdict = examine(peer, from, payload, now);
    if (verdict.ok) return authenticated(state, peer, verdict.guard, from, payload, now, random);
    // With several peers the one whose checks went furthest is the one the packet was meant for.
    if (STAGES.indexOf(verdict.reason) > STAGES.indexOf(reason)) reason = verdict.reason;
  }
  return { state, actions: [{ kind: 'drop', from, reason }] };
}

function authenticated(
  state: ServerState,
  peer: PeerState,
  guard: ReplayGuard,
  from: Endpoint,
  payload: Uint8Array,
  now: Now,
  random: Uint8Array,
): ServerStep {
  const { peer: name, scheme, lifetimeSeconds, replyOnAuthOk } = peer.settings;
  const actions: ServerAction[] = [];
  if (peer.binding.kind === 'unbound') actions.push({ kind: 'bind', peer: name, endpoint: from });
  else if (isBoundTo(peer, from)) actions.push({ kind: 'refresh', peer: name, endpoint: from });
  else actions.push({ kind: 'roam', peer: name, from: peer.binding.endpoint, to: from });
  if (scheme.kind === 'ed25519') {
    actions.push({ kind: 'saveGuard', peer: name, guard, urgent: !isBoundTo(peer, from) });
  }
  if (replyOnAuthOk) {
    actions.push({ kind: 'reply', to: from, makePayload: () => answerTo(scheme, payload, now, random) });
  }

  const expiresAtMs = lifetimeSeconds === 0 ? undefined : now.monotonicMs + lifetimeSeconds * 1000;
  const binding: Binding = { kind: 'bound', endpoint: from, expiresAtMs };
  // An endpoint belongs to one peer: a NAT has given this one to a new owner.
  const others = state.peers.map((other): PeerState => {
    return isBoundTo(other, from) ? { ...other, binding: { kind: 'unbound' } } : other;
  });
  return { state: withPeer({ peers: others }, name, (old) => ({ ...old, binding, guard, last: from })), actions };
}

type Examined =
  { readonly ok: true; readonly guard: ReplayGuard } | { readonly ok: false; readonly reason: DropReason };

/** How far a packet came before it was refused. */
const STAGES: readonly DropReason[] = [
  'no-peer',
  'remote-ip',
  'remote-port',
  'length',
  'token',
  'clock',
  'discrepancy',
  'older',
  'replayed',
  'signature',
  'reflected',
];

function examine(peer: PeerState, from: Endpoint, payload: Uint8Array, now: Now): Examined {
  const { settings, last, guard } = peer;
  const { remote, scheme } = settings;
  if (settings.byRemoteIp && from.address !== (remote?.address ?? last?.address)) return refused('remote-ip');
  if (settings.byRemotePort && from.port !== (remote?.port ?? last?.port)) return refused('remote-port');
  switch (scheme.kind) {
    case 'none':
      return { ok: true, guard };
    case 'token':
      if (payload.length !== scheme.token.length) return refused('length');
      return tokenMatches(payload, scheme.token) ? { ok: true, guard } : refused('token');
    case 'ed25519':
      return examineSigned(scheme, settings.maxDiscrepancySeconds, guard, payload, now);
  }
}

/** Cheap checks first: whoever can't sign should cost us as little as can be. */
function examineSigned(
  scheme: VerifyScheme,
  maxDiscrepancySeconds: number,
  guard: ReplayGuard,
  payload: Uint8Array,
  now: Now,
): Examined {
  const packet = decodeSignedPacket(payload);
  if (packet === undefined) return refused('length');
  const { time, salt } = packet;
  const nowSeconds = unixSeconds(now);
  const verdict = judge(guard, time, salt, nowSeconds);
  if (verdict === 'too-far-ahead') return refused('clock');
  if (maxDiscrepancySeconds > 0 && Math.abs(time - nowSeconds) > maxDiscrepancySeconds) return refused('discrepancy');
  if (verdict !== 'fresh') return refused(verdict);
  if (verifyPacket(packet, scheme.peerKey, scheme.secret)) return { ok: true, guard: accept(guard, time, salt) };
  const ours = scheme.ownKey !== undefined && verifyPacket(packet, scheme.ownKey.publicKey, scheme.secret);
  return refused(ours ? 'reflected' : 'signature');
}

const refused = (reason: DropReason): Examined => ({ ok: false, reason });

function answerTo(scheme: ServerScheme, request: Uint8Array, now: Now, random: Uint8Array): Buffer {
  if (scheme.kind !== 'ed25519' || scheme.ownKey === undefined) return reversedAnswer(request);
  return signFresh(scheme.ownKey, scheme.secret, unixSeconds(now), random, []).payload;
}

const isBoundTo = (peer: PeerState, endpoint: Endpoint): boolean =>
  peer.binding.kind === 'bound' && sameEndpoint(peer.binding.endpoint, endpoint);

function withPeer(state: ServerState, name: string, change: (old: PeerState) => PeerState): ServerState {
  return { peers: state.peers.map((old) => (old.settings.peer === name ? change(old) : old)) };
}

const rank = (scheme: ServerScheme): number => ['ed25519', 'token', 'none'].indexOf(scheme.kind);
