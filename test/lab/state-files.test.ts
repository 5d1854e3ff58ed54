import assert from 'node:assert/strict';
import { readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, it } from 'mocha';
import { exec, pairTopology, rawSender, suiteScope, type Namespace, type Running } from './support/index.js';
import { authPacket, makeKeys, PORT, refusal, startServer, stateDir, type Keys } from './support/tunnel.js';

const SERVER = `10.9.3.2:${PORT}`;
const YEAR = 365 * 86_400;

const seconds = (): number => Math.floor(Date.now() / 1000);

describe('a server whose state file', () => {
  const scope = suiteScope();
  let keys: Keys;
  let clientNs: Namespace;
  let serverNs: Namespace;
  let port = 4000;

  before(async () => {
    ({ a: clientNs, b: serverNs } = await pairTopology(scope));
    keys = makeKeys();
  });

  const start = (state: string): Promise<Running> => startServer(scope, serverNs, keys, { local: '@eth', state });

  /** How to send the packet from an endpoint that nothing came from before. */
  function sender(payload: Buffer): { from: string; send: () => void } {
    port += 1;
    const from = `10.9.3.1:${port}`;
    const socket = rawSender(scope, clientNs);
    const send = (): void => {
      socket.udp({ from, to: SERVER, payload });
    };
    return { from, send };
  }
  async function takes(server: Running, payload: Buffer): Promise<void> {
    const { from, send } = sender(payload);
    send();
    await server.waitForLog(new RegExp(`client (authenticated from|moved from .* to) ${from.replaceAll('.', '\\.')}`));
  }
  async function refuses(server: Running, payload: Buffer): Promise<void> {
    const { from, send } = sender(payload);
    await refusal(server, from, send, '(older|replayed)');
  }

  it('is cut short or from the future starts, says so, and takes only what is signed from then on', async () => {
    const state = stateDir(scope);
    const file = join(state, 'ipipou0.server.json');
    let server = await start(state);
    const captured = authPacket(keys, seconds());
    await takes(server, captured);
    await server.kill('SIGTERM');
    const text = readFileSync(file, 'utf8');

    truncateSync(file, text.length >> 1);
    server = await start(state);
    assert.match(server.log, /WARN .*ipipou0\.server\.json is damaged: only packets signed from now on are accepted/);
    await refuses(server, captured);
    await takes(server, authPacket(keys, seconds() + 1));
    assert.equal((await server.kill('SIGINT')).code, 0, server.log);

    const later = seconds() + YEAR;
    writeFileSync(file, text.replace(/"run":\[\d+,\d+\]/, `"run":[${later},${later}]`));
    server = await start(state);
    assert.match(server.log, /WARN .*ipipou0\.server\.json remembers a time in the future/);
    await refuses(server, captured);
    await takes(server, authPacket(keys, seconds() + 2));
    assert.equal((await server.kill('SIGALRM')).code, 0, server.log);
    assert.equal((await serverNs.nftList()).trim(), '');
  });

  for (const [name, arrange] of [
    [
      'lies on a full disk',
      (folder: string) => exec(['sh', '-c', `head -c 1M /dev/zero > ${folder}/full`], { mayFail: true }),
    ],
    ['cannot be written', (folder: string) => exec(['mount', '-o', 'remount,ro', folder])],
  ] as const) {
    it(`${name} starts, says so, carries on, and is as safe after the next start`, async () => {
      const state = stateDir(scope);
      await exec(['mount', '-t', 'tmpfs', '-o', 'size=16k,mode=700', 'tmpfs', state]);
      scope.defer(() => exec(['umount', state]));
      await arrange(state);
      let server = await start(state);
      await server.waitForLog(/WARN .*ipipou0\.server\.json cannot be written \((ENOSPC|EROFS).*correct --state-dir/);
      const captured = authPacket(keys, seconds());
      await takes(server, captured);
      assert.equal((await server.kill('SIGTERM')).code, 0, server.log);

      // The second that the packet was signed in must be over, for times are signed in whole seconds.
      while (seconds() <= captured.readUIntBE(64, 5)) await new Promise((done) => setImmediate(done));
      server = await start(state);
      await refuses(server, captured);
      await takes(server, authPacket(keys, seconds() + 1));
      assert.equal((await server.kill('SIGTERM')).code, 0, server.log);
    });
  }
});
