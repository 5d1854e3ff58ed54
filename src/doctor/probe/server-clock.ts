/**
 * The server's clock, from its answer to an auth packet: a server with a key of its own signs the time. The packet is
 * one like any that a start sends, from the tunnel's own port, so that it leads the server nowhere else.
 */
import { randomBytes } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { setTimeout as wait } from 'node:timers/promises';
import { decodeSignedPacket } from '../../auth/index.js';
import type { ClientConfig } from '../../config/index.js';
import { createClient, RANDOM_BYTES, stepClient, type ClientEvent, type Endpoint } from '../../core/index.js';
import { openSharedState } from '../../daemon/client-state.js';
import { now } from '../../daemon/clock.js';
import { messageOf } from '../../daemon/errors.js';
import type { Logger } from '../../log/index.js';
import type { ClockFacts } from '../facts.js';

/** For the answer to each of the packets. */
const ANSWER_WAIT_MS = 1500;
const PACKETS = 2;
/** The middle of the second that a signed time names. */
const HALF_SECOND = 0.5;

/** `local`: where the tunnel's packets leave from. The socket is closed, and what was signed is saved, in the end. */
export async function askServerClock(
  config: ClientConfig,
  local: Endpoint,
  server: Endpoint,
  log: Logger,
  waitMs = ANSWER_WAIT_MS,
): Promise<ClockFacts> {
  const socket = createSocket('udp4');
  try {
    socket.bind({ port: local.port, address: local.address, exclusive: true });
    await once(socket, 'listening');
  } catch (error) {
    socket.close();
    return { kind: 'skipped', why: `the tunnel's port can't be used to ask (${messageOf(error)})` };
  }
  const { lastSigned, saver } = await openSharedState(config, log);
  let state = createClient({ server, scheme: config.auth, keepaliveSeconds: 0, lastSignedSeconds: lastSigned });
  let sentAtMs = 0;
  let answer: ClockFacts | undefined;
  const ended = new AbortController();
  const take = (event: ClientEvent): void => {
    const { state: next, actions } = stepClient(state, event, now(), randomBytes(RANDOM_BYTES));
    state = next;
    for (const action of actions) {
      if (action.kind === 'saveLastSigned') saver.changed(action.unixSeconds, true);
      if (action.kind === 'sendAuth') {
        sentAtMs = Date.now();
        socket.send(action.payload, action.to.port, action.to.address);
      }
      if (action.kind === 'authenticated' && event.kind === 'packet') {
        answer = judgeAnswer(action.signed ? event.payload : undefined, sentAtMs, Date.now());
        ended.abort();
      }
    }
  };
  let fault: string | undefined;
  socket.on('error', (error) => {
    fault = messageOf(error);
    ended.abort();
  });
  socket.on('message', (payload, { address, port }) => {
    take({ kind: 'packet', from: { address, port }, payload });
  });
  try {
    for (let packet = 0; packet < PACKETS && !ended.signal.aborted; packet += 1) {
      take({ kind: packet === 0 ? 'start' : 'reauthenticate' });
      await wait(waitMs, undefined, { signal: ended.signal }).catch(() => undefined);
    }
  } finally {
    socket.close();
    await saver.flush();
  }
  return answer ?? { kind: 'silent', why: fault ?? 'the server did not answer' };
}

/** `payload`: the signed answer, where it was signed. The times are those of asking and hearing. */
export function judgeAnswer(payload: Uint8Array | undefined, askedAtMs: number, heardAtMs: number): ClockFacts {
  const packet = payload === undefined ? undefined : decodeSignedPacket(payload);
  if (packet === undefined) return { kind: 'untimed' };
  const ours = (askedAtMs + heardAtMs) / 2 / 1000;
  return { kind: 'timed', offsetSeconds: packet.time + HALF_SECOND - ours, roundTripMs: heardAtMs - askedAtMs };
}
