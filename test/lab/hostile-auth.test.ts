import assert from 'node:assert/strict';
import { randomBytes, randomInt } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Socket } from 'node:dgram';
import { setTimeout as sleep } from 'node:timers/promises';
import { before, describe, it } from 'mocha';
import {
  answersPing,
  barrier,
  makeNatRouter,
  rawSender,
  startPing,
  suiteScope,
  udpSocket,
  waitUntil,
} from './support/index.js';
import type { RawSender } from './support/index.js';
import { ipv4, udp } from './support/ipv4.js';
import { queueView, type QueueView } from './support/queue.js';
import {
  authPacket,
  CLIENT_INNER,
  endpointOf,
  makeKeys,
  natTunnel,
  PORT,
  SERVER_INNER,
  startClient,
  startServer,
  type NatTunnel,
} from './support/tunnel.js';
import { NAT_OUTER, SERVER_OUTER, STRANGER_OUTER, wanTopology } from './support/wan.js';

const TO = `${SERVER_OUTER}:${PORT}`;
const MAX_PAYLOAD = 1472;
const SIGNED = 73;
const QUEUE_LENGTH = 400;
/** Packets sent before the queue is looked at again; two batches may meet in it. */
const BATCH = QUEUE_LENGTH / 2;
/** From these ports of the stranger's everything goes to the daemon's queue, past the ruleset and its budgets. */
const STRAIGHT_IN = 30_000;

/** During a flood; one in twenty may get lost on an emulated machine's own queues. */
const PINGS = 100;
/** Packets that a client sends before it waits for its next occasion. */
const AUTH_REPEATS = 5;
const MANY = 100_000;
/** What a heap that is collected now and then may differ by. */
const RESIDENT_SLACK_KB = 8 * 1024;

const seconds = (): number => Math.floor(Date.now() / 1000);

describe('a server under hostile auth packets', () => {
  const scope = suiteScope();
  let tunnel: NatTunnel;
  let stranger: RawSender;
  let honest: Socket;
  let queue: QueueView;
  let bound: string | undefined;
  /** Packets that went through the queue and must turn up in the sums at the end. */
  let throughQueue = 0;

  before(async () => {
    tunnel = await natTunnel(scope, { args: ['--nfq-max-len', String(QUEUE_LENGTH)] });
    stranger = rawSender(scope, tunnel.net.stranger);
    honest = udpSocket(scope, tunnel.net.stranger, STRANGER_OUTER, 20_001);
    queue = queueView(scope, tunnel.net.server);
    bound = await endpointOf(tunnel.net.server);
    await tunnel.net.server.nft(`
      table ip straight-in {
        chain input {
          type filter hook input priority 20
          ip saddr ${STRANGER_OUTER} udp sport ${STRAIGHT_IN} udp dport ${PORT} counter queue num 0
        }
      }`);
  });

  async function stillWell(): Promise<void> {
    await queue.empty();
    assert.equal(tunnel.server.ended, undefined, tunnel.server.log);
    assert.equal(await endpointOf(tunnel.net.server), bound);
    assert.ok(await answersPing(tunnel.net.client, SERVER_INNER));
  }

  /** Sends all of them straight to the queue, none faster than it is read. Resolves with how many it lost nevertheless. */
  async function straightIn(packets: Iterable<Buffer>): Promise<number> {
    const lostBefore = queue.lost;
    let sent = 0;
    for (const payload of packets) {
      stranger.udp({ from: `${STRANGER_OUTER}:${STRAIGHT_IN}`, to: TO, payload });
      if ((sent += 1) % BATCH === 0) await queue.empty();
    }
    await barrier(tunnel.net.stranger, SERVER_OUTER);
    await queue.empty();
    const lost = queue.lost - lostBefore;
    throughQueue += sent - lost;
    return lost;
  }

  /** Of the server, in kB. */
  const resident = (): number =>
    Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${tunnel.server.pid}/status`, 'utf8'))?.[1]);

  /** Packets counted by the rules with this comment. */
  async function counted(comment: string): Promise<number> {
    const text = await tunnel.net.server.nftList('table ip ipipou-0');
    const counters = [...text.matchAll(/counter packets (\d+) bytes \d+[^\n]*comment "([^"]*)"/g)];
    const mine = counters.filter(([, , said]) => said === comment);
    assert.notEqual(mine.length, 0, `no rule says "${comment}":\n${text}`);
    return mine.reduce((sum, [, packets]) => sum + Number(packets), 0);
  }

  it('lets none of the lengths 0 to 1472 in, and only the one to its queue that a signed packet has', async () => {
    const before = [await counted('neither inner nor auth packet'), await counted('auth packet of another source')];
    for (let length = 0; length <= MAX_PAYLOAD; length++) {
      const payload = randomBytes(length);
      // Inner packets are another test's.
      if (length > 0) payload.writeUInt8(0x90 | (length & 0x0f), 0);
      stranger.udp({ from: `${STRANGER_OUTER}:20002`, to: TO, payload });
    }
    throughQueue += 1;
    await barrier(tunnel.net.stranger, SERVER_OUTER);
    const after = [await counted('neither inner nor auth packet'), await counted('auth packet of another source')];
    assert.deepEqual([after[0]! - before[0]!, after[1]! - before[1]!], [MAX_PAYLOAD, 1]);
    await stillWell();
  });

  it('refuses all lengths 0 to 1472 also where they do reach its queue', async () => {
    const packets = Array.from({ length: MAX_PAYLOAD + 1 }, (_, length) => randomBytes(length));
    assert.equal(await straightIn(packets), 0);
    await stillWell();
  });

  it(`refuses ${MANY} random payloads of random length, one after the other, and its memory stays flat`, async function () {
    this.timeout(900_000);
    // Drawn once, since emulated that takes as long as all the rest: each payload is a piece of it from anywhere.
    const pool = randomBytes(1 << 20);
    function* random(count: number): Generator<Buffer> {
      for (let index = 0; index < count; index++) {
        // One in fifty as long as a signed packet, so that it gets as far as a check of the signature.
        const length = index % 50 === 0 ? SIGNED : randomInt(MAX_PAYLOAD + 1);
        const from = randomInt(pool.length - length);
        yield pool.subarray(from, from + length);
      }
    }
    const warmUp = MANY / 5;
    let lost = await straightIn(random(warmUp));
    const early = resident();
    lost += await straightIn(random(MANY - warmUp));
    const late = resident();
    console.log(`        ${Math.round(early / 1024)} MB, then ${Math.round(late / 1024)} MB; ${lost} lost on the way`);
    assert.equal(lost, 0);
    assert.ok(late <= early + RESIDENT_SLACK_KB, `${early} kB, then ${late} kB`);
    await stillWell();
  });

  it('refuses a valid packet with any one of its 584 bits flipped, and takes it as it was', async () => {
    const packet = authPacket(tunnel.keys, seconds() + 3);
    const flipped = Array.from({ length: 8 * SIGNED }, (_, bit) => {
      const copy = Buffer.from(packet);
      copy.writeUInt8(copy.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
      return copy;
    });
    assert.equal(await straightIn(flipped), 0);
    await stillWell();
    const answer = new Promise((resolve) => honest.once('message', resolve));
    honest.send(packet, PORT, SERVER_OUTER);
    await answer;
    bound = `${STRANGER_OUTER}:20001`;
    await waitUntil(async () => (await endpointOf(tunnel.net.server)) === bound, { what: 'the roam' });
    // The client takes its tunnel back.
    tunnel.client.signal('SIGUSR1');
    await waitUntil(async () => (await endpointOf(tunnel.net.server))?.startsWith(NAT_OUTER), { what: 'the client' });
    bound = await endpointOf(tunnel.net.server);
  });

  it('reads a valid packet behind outer IP options and in fragments', async () => {
    const from = (port: number): Buffer => {
      const ports = {
        sourcePort: port,
        destinationPort: PORT,
        payload: authPacket(tunnel.keys, seconds() + port / 1000),
      };
      return udp({ from: STRANGER_OUTER, to: SERVER_OUTER, ...ports });
    };
    const common = { from: STRANGER_OUTER, to: SERVER_OUTER, protocol: 17 };
    const pointsTo = (port: number): Promise<unknown> =>
      waitUntil(async () => (await endpointOf(tunnel.net.server)) === `${STRANGER_OUTER}:${port}`, { what: 'a roam' });
    stranger.ip(ipv4({ ...common, body: from(5000), options: Buffer.alloc(8, 1) }), SERVER_OUTER);
    await pointsTo(5000);
    const body = from(6000);
    stranger.ip(ipv4({ ...common, body: body.subarray(0, 8), id: 9, fragment: 0x2000 }), SERVER_OUTER);
    stranger.ip(ipv4({ ...common, body: body.subarray(8), id: 9, fragment: 1 }), SERVER_OUTER);
    await pointsTo(6000);
    // Signed ahead of the clock: the client's own packets are older until that time has come.
    await waitUntil(
      async () => {
        tunnel.client.signal('SIGUSR1');
        return (await endpointOf(tunnel.net.server))?.startsWith(NAT_OUTER);
      },
      { what: 'the client', everyMs: 1000 },
    );
    bound = await endpointOf(tunnel.net.server);
  });

  /** Sends packets that each cost a signature, as fast as it can, until `done` is. */
  async function flood(done: Promise<unknown>, source: (packet: number) => string): Promise<number> {
    const state = { over: false };
    const end = done.finally(() => (state.over = true));
    // Awaited below; until then its failure is nobody's surprise.
    end.catch(() => undefined);
    let sent = 0;
    const payload = authPacket(makeKeys(), seconds() + 60);
    while (!state.over) {
      for (let burst = 0; burst < 50; burst++) {
        payload.writeUInt32BE(sent, 0);
        payload.writeUInt8(0x90, 0);
        stranger.udp({ from: source(sent), to: TO, payload });
        sent += 1;
      }
      await sleep(1);
    }
    await end;
    return sent;
  }

  describe('in a flood from the wire', () => {
    /** The client authenticates; resolves with the packets that it took. */
    async function clientGetsIn(): Promise<number> {
      await sleep(1000); // the flood has filled what it can
      const since = tunnel.client.mark();
      tunnel.client.signal('SIGUSR1');
      await tunnel.client.waitForLog(/the server answered/, { since, timeoutMs: 40_000 });
      return [...tunnel.client.log.slice(since).matchAll(/auth packet of 73 bytes sent/g)].length;
    }

    it('of one source the client still roams within its repeats', async () => {
      await makeNatRouter(tunnel.net.router, 'wan', 41_000);
      let took = 0;
      const since = tunnel.server.mark();
      const started = performance.now();
      const sent = await flood(
        clientGetsIn().then((packets) => (took = packets)),
        (packet) => `${STRANGER_OUTER}:${1024 + (packet % 28_000)}`,
      );
      const tookSeconds = (performance.now() - started) / 1000;
      const lines = tunnel.server.log.slice(since).split('\n').length;
      console.log(`        ${sent} packets; the client took ${took}; ${lines} lines of log`);
      assert.ok(took <= AUTH_REPEATS, `it took ${took} packets`);
      assert.ok(lines < 8 * (tookSeconds + 3), `${lines} lines of log in ${tookSeconds} s`);
      bound = `${NAT_OUTER}:41000`;
      await stillWell();
    });

    it('of ever other sources the client, where it is bound, is still heard', async () => {
      let took = 0;
      const sent = await flood(
        clientGetsIn().then((packets) => (took = packets)),
        (packet) => `198.18.${(packet >> 8) & 255}.${packet & 255}:${1024 + (packet % 28_000)}`,
      );
      console.log(`        ${sent} packets; the client took ${took}`);
      assert.ok(took <= AUTH_REPEATS, `it took ${took} packets`);
      assert.ok((await counted('too many of all sources')) > 0, 'the flood was none');
      await stillWell();
    });
  });

  describe('in a flood that goes on', () => {
    it('goes on to carry what its client sends, and its memory stays flat', async () => {
      const { net } = tunnel;
      const early = resident();
      const pinging = startPing(scope, net.client, SERVER_INNER, { intervalMs: 50, count: PINGS });
      let result = { lost: [] as readonly number[], unanswered: 0 };
      const pinged = pinging.done().then((done) => (result = done));
      const sent = await flood(
        pinged,
        (packet) => `198.18.${(packet >> 8) & 255}.${packet & 255}:${1024 + (packet % 28_000)}`,
      );
      const late = resident();
      const lost = result.lost.length + result.unanswered;
      console.log(`        ${sent} packets; ${lost} of ${PINGS} pings lost; ${early} kB, then ${late} kB`);
      assert.ok(lost <= PINGS / 20, `${lost} of ${PINGS} pings lost`);
      assert.ok(late <= early + RESIDENT_SLACK_KB, `${early} kB, then ${late} kB`);
      await stillWell();
    });
  });

  // Tests of a suite run before those of the suites in it.
  describe('when it stops', () => {
    it('says the sums of all that it refused', async () => {
      const { code } = await tunnel.server.kill('SIGTERM');
      assert.equal(code, 0, tunnel.server.log);
      const sums = /packets refused since the start: (.*)/.exec(tunnel.server.log)?.[1] ?? '';
      const refused = [...sums.matchAll(/(\d+) [a-z-]+/g)].reduce((sum, [, count]) => sum + Number(count), 0);
      assert.ok(refused >= throughQueue, `${refused} of ${throughQueue}: ${sums}`);
      // And what its rules dropped, by their names.
      assert.match(sums, /\d+ "too many of all sources"/);
      assert.doesNotMatch(tunnel.server.log, /^\s+at /m);
    });
  });
});

describe('a packet sent back to its sender', () => {
  const scope = suiteScope();

  it("is refused by the server when it is the server's answer, and by the client when it is the client's own", async () => {
    const net = await wanTopology(scope);
    const [keys, serverKeys] = [makeKeys(), makeKeys()];
    const [server, client] = await Promise.all([
      startServer(scope, net.server, keys, { args: ['--auth-key-b64', serverKeys.privateB64] }),
      startClient(scope, net.client, keys, TO, { args: ['--auth-remote-pubkey-b64', serverKeys.publicB64] }),
    ]);
    assert.match(client.log, /signed by its key/);
    const bound = await endpointOf(net.server);
    const stranger = rawSender(scope, net.stranger);

    // The server's own packet, whoever brings it: this one is as fresh as can be.
    const mark = server.mark();
    const fromServer = { from: `${STRANGER_OUTER}:20000`, to: TO, payload: authPacket(serverKeys, seconds() + 5) };
    stranger.udp(fromServer);
    await server.waitForLog(/refused a packet from 10\.9\.2\.66:20000: reflected/, { since: mark });
    stranger.udp({ ...fromServer, from: bound ?? '', payload: authPacket(serverKeys, seconds() + 6) });
    await server.waitForLog(/refused a packet from 10\.9\.2\.1:\d+: reflected/, { since: mark });
    assert.equal(await endpointOf(net.server), bound);

    // The client's own packet, as if from the server, through the NAT's mapping.
    const since = client.mark();
    stranger.udp({ from: TO, to: bound ?? '', payload: authPacket(keys, seconds() + 5) });
    await client.waitForLog(/refused a packet from 10\.9\.2\.2:10000: signature/, { since });
    assert.ok(await answersPing(net.client, SERVER_INNER));
    assert.ok(await answersPing(net.server, CLIENT_INNER));
  });
});
