import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  decodeSignedPacket,
  generateKeyPair,
  reversedAnswer,
  signPacket,
  verifyPacket,
} from '../../../src/auth/index.js';
import { ConfigError, resolvePartly, type ClientConfig, type RawOption } from '../../../src/config/index.js';
import { askServerClock, judgeAnswer } from '../../../src/doctor/probe/server-clock.js';
import { createLogger } from '../../../src/log/index.js';

const LOCALHOST = '127.0.0.1';
const SECRET = Buffer.from('a secret');
const [SERVER_SEED, CLIENT_SEED] = [randomBytes(32), randomBytes(32)];
const [serverKeys, clientKeys] = [generateKeyPair(SERVER_SEED), generateKeyPair(CLIENT_SEED)];

/** Nothing is to be said. */
const refuse = (line: string): void => {
  assert.equal(line, '');
};

type Answer = (request: Buffer) => Buffer | undefined;

describe("the server's clock", () => {
  const folder = mkdtempSync(join(tmpdir(), 'ipipou-ts-clock-'));
  after(() => {
    rmSync(folder, { recursive: true });
  });
  let server: Socket;
  afterEach(() => {
    server.close();
  });

  async function ask(answer: Answer): Promise<Awaited<ReturnType<typeof askServerClock>>> {
    server = createSocket('udp4');
    server.on('message', (request, { port, address }) => {
      const packet = decodeSignedPacket(request);
      assert.ok(packet !== undefined && verifyPacket(packet, clientKeys.publicKey, SECRET));
      const reply = answer(request);
      if (reply !== undefined) server.send(reply, port, address);
    });
    server.bind(0, LOCALHOST);
    await once(server, 'listening');
    const { port } = server.address();
    const spare = createSocket('udp4').bind(0, LOCALHOST);
    await once(spare, 'listening');
    const local = { address: LOCALHOST, port: spare.address().port };
    spare.close();
    await once(spare, 'close');
    const config = clientConfig(port, folder);
    const log = createLogger(config.log, { write: refuse, now: () => new Date(), monotonicMs: () => 0, pid: 1 });
    return askServerClock(config, local, { address: LOCALHOST, port }, log, 200);
  }
  const signedAt = (unixSeconds: number): Buffer => signPacket(serverKeys, SECRET, unixSeconds, 7);
  const seconds = (): number => Math.floor(Date.now() / 1000);

  it('is read from a signed answer, in whole seconds', async () => {
    const found = await ask(() => signedAt(seconds() + 90));
    assert.ok(found.kind === 'timed');
    assert.ok(Math.abs(found.offsetSeconds - 90) <= 2, String(found.offsetSeconds));
  });

  it('is not taken from an answer that somebody else signed', async () => {
    assert.equal((await ask(() => signPacket(clientKeys, SECRET, seconds() + 90, 7))).kind, 'silent');
  });

  it('stays unknown where the answer has no time of its own, or none comes', async () => {
    assert.equal((await ask((request) => reversedAnswer(request))).kind, 'silent');
    server.close();
    assert.equal((await ask(() => undefined)).kind, 'silent');
  });

  it('is not asked for where the port is taken', async () => {
    server = createSocket('udp4').bind(0, LOCALHOST);
    await once(server, 'listening');
    const local = { address: LOCALHOST, port: server.address().port };
    const config = clientConfig(local.port, folder);
    const log = createLogger(config.log, { write: refuse, now: () => new Date(), monotonicMs: () => 0, pid: 1 });
    const found = await askServerClock(config, local, local, log);
    assert.ok(found.kind === 'skipped' && found.why.includes('EADDRINUSE'));
  });
});

describe('an answer', () => {
  it('tells the offset from the middle of the second to the middle of the wait', () => {
    const packet = signPacket(serverKeys, SECRET, 1000, 1);
    assert.deepEqual(judgeAnswer(packet, 1_000_400, 1_000_600), { kind: 'timed', offsetSeconds: 0, roundTripMs: 200 });
  });

  it('without a time tells that there is none', () => {
    assert.deepEqual(judgeAnswer(undefined, 0, 1), { kind: 'untimed' });
    assert.deepEqual(judgeAnswer(Buffer.of(1), 0, 1), { kind: 'untimed' });
  });
});

function clientConfig(port: number, stateDir: string): ClientConfig {
  const option = (name: RawOption['name'], value?: string): RawOption => ({ name, value, origin: { kind: 'argv' } });
  const { whole } = resolvePartly(
    [
      option('client'),
      option('fou-remote', `${LOCALHOST}:${port}`),
      option('auth-key-b64', CLIENT_SEED.toString('base64')),
      option('auth-remote-pubkey-b64', Buffer.from(serverKeys.publicKey.raw).toString('base64')),
      option('auth-secret', SECRET.toString()),
      option('state-dir', stateDir),
    ],
    {},
  );
  assert.ok(!(whole instanceof ConfigError) && whole.kind === 'client');
  return whole.config;
}
