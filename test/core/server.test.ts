import assert from 'node:assert/strict';
import { reversedAnswer, signPacket, verifyPacket, decodeSignedPacket } from '../../src/auth/classic.js';
import { BUILD_SECONDS } from '../../src/auth/constants.js';
import { keyPairFromSeed } from '../../src/auth/keys.js';
import { newGuard } from '../../src/auth/replay-guard.js';
import type { Endpoint } from '../../src/core/endpoint.js';
import { createServer, stepServer } from '../../src/core/server.js';
import type { DropReason, PeerSettings, ServerAction, ServerEvent, ServerState } from '../../src/core/server.js';

const START = BUILD_SECONDS + 1_000_000;
const SECRET = Buffer.from('topsecret');
const clientKey = keyPairFromSeed(Buffer.alloc(32, 1));
const serverKey = keyPairFromSeed(Buffer.alloc(32, 2));
const strangerKey = keyPairFromSeed(Buffer.alloc(32, 3));
const HOME: Endpoint = { address: '198.51.100.1', port: 40000 };
const AWAY: Endpoint = { address: '198.51.100.2', port: 40000 };

const settings: PeerSettings = {
  peer: 'laptop',
  scheme: { kind: 'ed25519', peerKey: clientKey.publicKey, ownKey: serverKey, secret: SECRET },
  byRemoteIp: false,
  byRemotePort: false,
  maxDiscrepancySeconds: 0,
  lifetimeSeconds: 0,
  replyOnAuthOk: false,
};

/** A server and its clock, which stands `seconds` after its start. */
class Bench {
  seconds = 0;
  state: ServerState;

  constructor(...peers: Partial<PeerSettings>[]) {
    const guard = newGuard(START);
    this.state = createServer(peers.map((peer) => ({ settings: { ...settings, ...peer }, guard })));
  }

  step(event: ServerEvent): readonly ServerAction[] {
    const now = { unixMs: (START + this.seconds) * 1000, monotonicMs: this.seconds * 1000 };
    const { state, actions } = stepServer(this.state, event, now, Buffer.from('0102030405060708', 'hex'));
    this.state = state;
    return actions;
  }

  packet(payload: Buffer, from = HOME): readonly ServerAction[] {
    return this.step({ kind: 'authPacket', from, payload });
  }

  refused(payload: Buffer, from = HOME): DropReason {
    const before = this.state;
    const actions = this.packet(payload, from);
    assert.deepEqual(this.state, before);
    const [drop] = actions;
    assert(actions.length === 1 && drop?.kind === 'drop');
    assert.deepEqual(drop.from, from);
    return drop.reason;
  }

  get bound(): Endpoint | undefined {
    const binding = this.state.peers[0]!.binding;
    return binding.kind === 'bound' ? binding.endpoint : undefined;
  }
}

const signed = (seconds: number, salt = 1, key = clientKey): Buffer => signPacket(key, SECRET, START + seconds, salt);
const kinds = (actions: readonly ServerAction[]): string[] => actions.map(({ kind }) => kind);
const none = { kind: 'none' } as const;
const token = (text: string) => ({ kind: 'token', token: Buffer.from(text) }) as const;

describe('core/server', () => {
  it('binds a peer to where its first valid packet came from, and keeps the guard at once', () => {
    const bench = new Bench({});
    const actions = bench.packet(signed(1));
    assert.deepEqual(kinds(actions), ['bind', 'saveGuard']);
    assert.deepEqual(actions[0], { kind: 'bind', peer: 'laptop', endpoint: HOME });
    assert(actions[1]?.kind === 'saveGuard' && actions[1].urgent && actions[1].guard.run.to === START + 1);
    assert.deepEqual(bench.bound, HOME);
  });

  it('refreshes from the bound endpoint', () => {
    const bench = new Bench({});
    bench.packet(signed(1));
    const actions = bench.packet(signed(2));
    assert.deepEqual(kinds(actions), ['refresh', 'saveGuard']);
    assert(actions[1]?.kind === 'saveGuard' && !actions[1].urgent);
  });

  it('roams to another address, to another port, and back', () => {
    const bench = new Bench({});
    const port = { ...HOME, port: 40001 };
    bench.packet(signed(1), HOME);
    let from = HOME;
    for (const [index, to] of [AWAY, HOME, port, HOME].entries()) {
      const actions = bench.packet(signed(2 + index), to);
      assert.deepEqual(actions[0], { kind: 'roam', peer: 'laptop', from, to });
      assert(actions[1]?.kind === 'saveGuard' && actions[1].urgent);
      from = to;
    }
    assert.deepEqual(bench.bound, HOME);
  });

  describe('refuses, and changes nothing', () => {
    it('a replay, from wherever', () => {
      const bench = new Bench({});
      bench.packet(signed(1));
      assert.equal(bench.refused(signed(1), AWAY), 'replayed');
      assert.equal(bench.refused(signed(1), HOME), 'replayed');
    });

    it('an older time, also from the bound endpoint', () => {
      const bench = new Bench({});
      bench.packet(signed(5));
      assert.equal(bench.refused(signed(4), AWAY), 'older');
      assert.equal(bench.refused(signed(4), HOME), 'older');
      assert.deepEqual(bench.bound, HOME);
    });

    it('another length', () => {
      const bench = new Bench({});
      for (const payload of [Buffer.alloc(0), Buffer.alloc(72), Buffer.concat([signed(1), Buffer.of(0)])]) {
        assert.equal(bench.refused(payload), 'length');
      }
    });

    it('a stranger’s signature and another secret', () => {
      const bench = new Bench({});
      assert.equal(bench.refused(signed(1, 1, strangerKey)), 'signature');
      assert.equal(bench.refused(signPacket(clientKey, Buffer.from('other'), START + 1, 1)), 'signature');
    });

    it('a time far ahead, which then stands in nobody’s way', () => {
      const bench = new Bench({});
      assert.equal(bench.refused(signed(86_401)), 'clock');
      assert.deepEqual(kinds(bench.packet(signed(1))), ['bind', 'saveGuard']);
    });

    it('a time out of step, either way, where that is wanted', () => {
      const bench = new Bench({ maxDiscrepancySeconds: 10 });
      bench.seconds = 100;
      assert.equal(bench.refused(signed(89)), 'discrepancy');
      assert.equal(bench.refused(signed(111)), 'discrepancy');
      assert.deepEqual(kinds(bench.packet(signed(90))), ['bind', 'saveGuard']);
      assert.deepEqual(kinds(bench.packet(signed(110))), ['refresh', 'saveGuard']);
    });

    it('its own answer, sent back', () => {
      const bench = new Bench({ replyOnAuthOk: true });
      bench.seconds = 1;
      const reply = bench.packet(signed(1)).at(-1);
      assert(reply?.kind === 'reply');
      assert.equal(bench.refused(reply.makePayload(), AWAY), 'reflected');
    });

    it('anything, when it has no peer', () => {
      assert.equal(new Bench().refused(signed(1)), 'no-peer');
    });
  });

  it('will not start with its own key for a peer’s', () => {
    const scheme = { kind: 'ed25519', peerKey: serverKey.publicKey, ownKey: serverKey, secret: SECRET } as const;
    assert.throws(() => new Bench({ scheme }), RangeError);
  });

  describe('auth-by-remote', () => {
    it('comes before the signature and combines with it', () => {
      const bench = new Bench({ byRemoteIp: true, byRemotePort: true, remote: HOME });
      assert.equal(bench.refused(signed(1), AWAY), 'remote-ip');
      assert.equal(bench.refused(signed(1), { ...HOME, port: 1 }), 'remote-port');
      assert.equal(bench.refused(signed(1, 1, strangerKey), HOME), 'signature');
      assert.deepEqual(kinds(bench.packet(signed(1), HOME)), ['bind', 'saveGuard']);
    });

    it('by address alone lets the port change', () => {
      const bench = new Bench({ byRemoteIp: true, remote: { address: HOME.address }, scheme: none });
      assert.deepEqual(kinds(bench.packet(Buffer.alloc(0), HOME)), ['bind']);
      assert.deepEqual(kinds(bench.packet(Buffer.alloc(0), { ...HOME, port: 9 })), ['roam']);
      assert.equal(bench.refused(Buffer.alloc(0), AWAY), 'remote-ip');
    });

    it('by port alone lets the address change', () => {
      const bench = new Bench({ byRemotePort: true, remote: { port: HOME.port }, scheme: none });
      bench.packet(Buffer.alloc(0), HOME);
      assert.deepEqual(kinds(bench.packet(Buffer.alloc(0), AWAY)), ['roam']);
      assert.equal(bench.refused(Buffer.alloc(0), { ...HOME, port: 9 }), 'remote-port');
    });

    it('holds on to the last remote where none is configured', () => {
      const bench = new Bench({ byRemoteIp: true, scheme: none });
      assert.equal(bench.refused(Buffer.alloc(0), HOME), 'remote-ip');
      bench.step({ kind: 'adopted', peer: 'laptop', endpoint: HOME });
      bench.step({ kind: 'bindFailed', peer: 'laptop', endpoint: HOME });
      assert.equal(bench.refused(Buffer.alloc(0), AWAY), 'remote-ip');
      assert.deepEqual(kinds(bench.packet(Buffer.alloc(0), HOME)), ['bind']);
    });
  });

  describe('without signatures', () => {
    it('takes the token alone, as often as it comes', () => {
      const bench = new Bench({ scheme: token('sesame') });
      assert.equal(bench.refused(Buffer.from('sesamf')), 'token');
      assert.equal(bench.refused(Buffer.from('sesame ')), 'length');
      assert.deepEqual(kinds(bench.packet(Buffer.from('sesame'))), ['bind']);
      assert.deepEqual(kinds(bench.packet(Buffer.from('sesame'))), ['refresh']);
      assert.deepEqual(kinds(bench.packet(Buffer.from('sesame'), AWAY)), ['roam']);
    });

    it('takes anything where nothing is asked for', () => {
      const bench = new Bench({ scheme: none });
      assert.deepEqual(kinds(bench.packet(Buffer.from('whatever'))), ['bind']);
    });
  });

  describe('answers', () => {
    it('with a packet of its own, which nobody takes for an inner one', () => {
      const bench = new Bench({ replyOnAuthOk: true });
      bench.seconds = 7;
      const reply = bench.packet(signed(1)).at(-1);
      assert(reply?.kind === 'reply');
      assert.deepEqual(reply.to, HOME);
      const packet = decodeSignedPacket(reply.makePayload());
      assert(packet !== undefined && verifyPacket(packet, serverKey.publicKey, SECRET));
      assert.equal(packet.time, START + 7);
      assert(![4, 6].includes(reply.makePayload().readUInt8(0) >> 4));
    });

    it('with a signature that is made when the answer is sent, not before the tunnel moves', () => {
      const signatures: string[] = [];
      const ownKey = {
        ...serverKey,
        get privateKey() {
          signatures.push('made');
          return serverKey.privateKey;
        },
      };
      const scheme = { kind: 'ed25519', peerKey: clientKey.publicKey, ownKey, secret: SECRET } as const;
      const reply = new Bench({ scheme, replyOnAuthOk: true }).packet(signed(1)).at(-1);
      assert(reply?.kind === 'reply');
      assert.deepEqual(signatures, []);
      reply.makePayload();
      assert.notDeepEqual(signatures, []);
    });

    it('with the request reversed where it has no key', () => {
      const scheme = { kind: 'ed25519', peerKey: clientKey.publicKey, secret: SECRET } as const;
      for (const [peer, request] of [
        [{ scheme }, signed(1)],
        [{ scheme: token('sesame') }, Buffer.from('sesame')],
        [{ scheme: none }, Buffer.from('ab')],
      ] as const) {
        const reply = new Bench({ ...peer, replyOnAuthOk: true }).packet(request).at(-1);
        assert(reply?.kind === 'reply');
        assert.deepEqual(reply.makePayload(), reversedAnswer(request));
      }
    });

    it('only to success, and only when told to', () => {
      const bench = new Bench({ replyOnAuthOk: true });
      bench.packet(signed(1));
      assert.equal(bench.refused(signed(1)), 'replayed');
      assert(!kinds(new Bench({}).packet(signed(1))).includes('reply'));
    });
  });

  describe('and its data plane', () => {
    it('takes over what it found bound, without an action', () => {
      const bench = new Bench({ lifetimeSeconds: 60 });
      bench.seconds = 3;
      assert.deepEqual(bench.step({ kind: 'adopted', peer: 'laptop', endpoint: HOME, remainingLifetimeMs: 2000 }), []);
      assert.deepEqual(bench.state.peers[0]!.binding, { kind: 'bound', endpoint: HOME, expiresAtMs: 5000 });
      assert.deepEqual(kinds(bench.packet(signed(4), HOME)), ['refresh', 'saveGuard']);
      assert.deepEqual(bench.state.peers[0]!.binding, { kind: 'bound', endpoint: HOME, expiresAtMs: 63_000 });
    });

    it('binds anew, wherever the next packet comes from, after it failed', () => {
      for (const next of [HOME, AWAY]) {
        const bench = new Bench({});
        bench.packet(signed(1), HOME);
        bench.packet(signed(2), AWAY);
        bench.step({ kind: 'bindFailed', peer: 'laptop', endpoint: AWAY });
        assert.equal(bench.bound, undefined);
        assert.deepEqual(bench.packet(signed(3), next)[0], { kind: 'bind', peer: 'laptop', endpoint: next });
      }
    });

    it('minds no failure that a later roam has overtaken', () => {
      const bench = new Bench({});
      bench.packet(signed(1), HOME);
      bench.packet(signed(2), AWAY);
      bench.step({ kind: 'bindFailed', peer: 'laptop', endpoint: HOME });
      assert.deepEqual(bench.bound, AWAY);
    });
  });

  describe('with several peers', () => {
    const laptop = { peer: 'laptop' };
    const phone = {
      peer: 'phone',
      scheme: { kind: 'ed25519', peerKey: strangerKey.publicKey, secret: SECRET } as const,
    };

    it('finds whose packet it is', () => {
      const bench = new Bench(laptop, phone);
      assert.deepEqual(bench.packet(signed(1), HOME)[0], { kind: 'bind', peer: 'laptop', endpoint: HOME });
      const [bind] = bench.packet(signed(1, 1, strangerKey), AWAY);
      assert.deepEqual(bind, { kind: 'bind', peer: 'phone', endpoint: AWAY });
      assert.deepEqual(bench.bound, HOME);
    });

    it('gives an endpoint to its newest owner alone', () => {
      const bench = new Bench(laptop, phone);
      bench.packet(signed(1), HOME);
      bench.packet(signed(1, 1, strangerKey), HOME);
      assert.equal(bench.bound, undefined);
      assert.deepEqual(kinds(bench.packet(signed(2), AWAY)), ['bind', 'saveGuard']);
    });

    it('does not let a peer without proof take what proves another', () => {
      const bench = new Bench({ peer: 'open', scheme: none }, { peer: 'token', scheme: token('sesame') }, phone);
      const bound = (payload: Buffer, port: number): string => {
        const [action] = bench.packet(payload, { ...HOME, port });
        return action?.kind === 'bind' ? action.peer : '';
      };
      assert.equal(bound(signed(1, 1, strangerKey), 1), 'phone');
      assert.equal(bound(Buffer.from('sesame'), 2), 'token');
      assert.equal(bound(Buffer.from('else'), 3), 'open');
    });

    it('says of a refused packet what the peer it came nearest to said', () => {
      const bench = new Bench(laptop, { peer: 'token', scheme: token('sesame') });
      bench.packet(signed(1));
      assert.equal(bench.refused(signed(1)), 'replayed');
      assert.equal(bench.refused(Buffer.from('sesamf')), 'token');
    });
  });
});
