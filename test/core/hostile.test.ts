import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, it } from 'mocha';
import { signPacket } from '../../src/auth/classic.js';
import { BUILD_SECONDS, SIGNED_PACKET_LENGTH } from '../../src/auth/constants.js';
import { keyPairFromSeed } from '../../src/auth/keys.js';
import { newGuard } from '../../src/auth/replay-guard.js';
import { createClient, stepClient, type ClientState } from '../../src/core/client.js';
import { createServer, stepServer, type ServerAction, type ServerState } from '../../src/core/server.js';

const START = BUILD_SECONDS + 1_000_000;
const SECRET = Buffer.from('topsecret');
const clientKey = keyPairFromSeed(Buffer.alloc(32, 1));
const serverKey = keyPairFromSeed(Buffer.alloc(32, 2));
const CLIENT = { address: '198.51.100.1', port: 40000 };
const SERVER = { address: '203.0.113.1', port: 10000 };
const RANDOM = Buffer.from('0102030405060708', 'hex');
const MAX_PAYLOAD = 1472;

const clock = (seconds: number) => ({ unixMs: (START + seconds) * 1000, monotonicMs: seconds * 1000 });

const server = (): ServerState =>
  createServer([
    {
      settings: {
        peer: 'laptop',
        scheme: { kind: 'ed25519', peerKey: clientKey.publicKey, ownKey: serverKey, secret: SECRET },
        byRemoteIp: false,
        byRemotePort: false,
        maxDiscrepancySeconds: 0,
        lifetimeSeconds: 0,
        replyOnAuthOk: true,
      },
      guard: newGuard(START),
    },
  ]);

const client = (): ClientState =>
  createClient({
    server: SERVER,
    scheme: { kind: 'ed25519', ownKey: clientKey, peerKey: serverKey.publicKey, secret: SECRET },
    keepaliveSeconds: 0,
  });

/** Offers the payload to both sides, which must drop it and stay as they are. */
function assertRefused(state: ServerState, other: ClientState, payload: Buffer): void {
  const served = stepServer(state, { kind: 'authPacket', from: CLIENT, payload }, clock(5), RANDOM);
  assert.equal(served.state, state);
  assert.deepEqual(
    served.actions.map(({ kind }) => kind),
    ['drop'],
  );
  const heard = stepClient(other, { kind: 'packet', from: SERVER, payload }, clock(5), RANDOM);
  assert.equal(heard.state, other);
  assert.deepEqual(
    heard.actions.map(({ kind }) => kind),
    ['drop'],
  );
}

const replyOf = (actions: readonly ServerAction[]): Buffer => {
  const reply = actions.find((action) => action.kind === 'reply');
  assert(reply?.kind === 'reply');
  return reply.makePayload();
};

describe('a payload made to deceive changes nothing, on the server and on the client', () => {
  it('of every length from 0 to 1472 bytes', () => {
    const [state, other] = [server(), client()];
    for (let length = 0; length <= MAX_PAYLOAD; length++) assertRefused(state, other, randomBytes(length));
  });

  it('that differs from a valid packet in any one of its 584 bits', () => {
    const [state, other] = [server(), client()];
    const packet = signPacket(clientKey, SECRET, START + 4, 7);
    for (let bit = 0; bit < 8 * packet.length; bit++) {
      const flipped = Buffer.from(packet);
      flipped.writeUInt8(flipped.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
      assertRefused(state, other, flipped);
    }
    const whole = stepServer(state, { kind: 'authPacket', from: CLIENT, payload: packet }, clock(5), RANDOM);
    assert.equal(whole.actions[0]?.kind, 'bind');
  });

  it('in 100,000 random forms, half of them of a signed packet’s length', () => {
    const [state, other] = [server(), client()];
    for (let packet = 0; packet < 100_000; packet++) {
      const odd = packet % 2 === 1;
      const payload = randomBytes(odd ? SIGNED_PACKET_LENGTH : packet % (MAX_PAYLOAD + 1));
      // A few with a time that stands in no way, so that it comes to the signature.
      if (odd && packet % 64 === 1) payload.writeUIntBE(START + 4, 64, 5);
      assertRefused(state, other, payload);
    }
  });

  it('that is the server’s answer sent back to it, or the client’s packet sent to the client', () => {
    const packet = signPacket(clientKey, SECRET, START + 4, 7);
    const event = { kind: 'authPacket', from: CLIENT, payload: packet } as const;
    const bound = stepServer(server(), event, clock(5), RANDOM);
    assertRefused(bound.state, client(), packet);
    const back = { kind: 'authPacket', from: CLIENT, payload: replyOf(bound.actions) } as const;
    const { state, actions } = stepServer(bound.state, back, clock(6), RANDOM);
    assert.equal(state, bound.state);
    assert.deepEqual(actions, [{ kind: 'drop', from: CLIENT, reason: 'reflected' }]);
  });
});
