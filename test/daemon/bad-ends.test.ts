/** Whole servers in userspace, whose packet loop waits in the kernel, on the host. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, it } from 'mocha';
import { ask, SOCKET_NAME } from '../../src/control/index.js';
import { needsBuild } from '../support/built.js';
import {
  ipipou,
  pairTopology,
  Scope,
  start,
  startDaemon,
  startPing,
  waitUntil,
  type Namespace,
} from '../lab/support/index.js';

import { preload } from '../lab/support/preload.js';
import { makeKeys, PORT, SERVER_INNER, startClient, startServer, stateDir } from '../lab/support/tunnel.js';
import { needsRoot } from '../support/skip.js';

const PING_MS = 20;

describe('a server in userspace', function () {
  this.timeout(60_000);
  const scope = new Scope();
  let ns: Namespace;
  let peer: Namespace;

  before(needsRoot);
  before(needsBuild);
  before(async () => {
    ({ a: peer, b: ns } = await pairTopology(scope));
  });
  after(() => scope.close());

  const args = (folder: string): string[] => [
    ...['-s', '-vvv', '-b', '@eth', '--auth-token', 'abc', '--data-plane', 'userspace'],
    ...['--state-dir', folder, '--control-dir', folder],
  ];

  it('ends by an error that nobody foresaw, and is not held up by its thread', async () => {
    const server = startDaemon(scope, ns, args(stateDir(scope)), preload('broken'));
    await server.waitForLog(/server ready/);
    assert.deepEqual(await server.kill('SIGWINCH'), { code: 1, signal: null });
    assert.match(server.log, /FATAL the unforeseen happened/);
    assert.deepEqual(await ns.ipJson('link show type tun'), []);
  });

  it('is what --data-plane auto comes to where the process may not use raw sockets, as in many containers', async () => {
    const auto = args(stateDir(scope)).map((word) => (word === 'userspace' ? 'auto' : word));
    const server = start(scope, ns, ['setpriv', '--bounding-set=-net_raw', ...ipipou(auto)]);
    await server.waitForLog(/data plane: userspace, since this process lacks CAP_NET_RAW/);
    await server.waitForLog(/server ready/);
    assert.deepEqual(await server.kill('SIGTERM'), { code: 0, signal: null });
  });

  it('whose thread crashes says so, and carries again within a second', async () => {
    const keys = makeKeys();
    const userspace = { args: ['--data-plane', 'userspace'] };
    const server = await startServer(scope, ns, keys, { local: '@eth', ...userspace, env: preload('crashing-loop') });
    await startClient(scope, peer, keys, `10.9.3.2:${PORT}`, userspace);
    const pinging = startPing(scope, peer, SERVER_INNER, { intervalMs: PING_MS });
    const answered = (beyond: number): Promise<unknown> =>
      waitUntil(() => (pinging.received.at(-1) ?? 0) > beyond, { what: `an answer beyond ${beyond}` });
    await answered(10);
    const since = server.mark();
    server.signal('SIGWINCH');
    await server.waitForLog(/ERROR the packet loop ended \(.*\): starting another/, { since });
    // What was sent from now on.
    const next = (pinging.received.at(-1) ?? 0) + 1000 / PING_MS;
    await answered(next);
    const { lost } = await pinging.stop();
    assert.ok(lost.length < 1000 / PING_MS, `${lost.length} of the pings got lost, of ${PING_MS} ms each`);
    assert.deepEqual(await server.kill('SIGTERM'), { code: 0, signal: null });
  });

  it('stops as it is told where its folders can not be made', async () => {
    const { publicB64 } = makeKeys();
    const nowhere = ['--state-dir', '/proc/nope/state', '--control-dir', '/proc/nope/control'];
    const signed = ['--auth-remote-pubkey-b64', publicB64, '--data-plane', 'userspace'];
    const server = startDaemon(scope, ns, ['-s', '-vvv', '-b', '@eth', ...signed, ...nowhere]);
    await server.waitForLog(/WARN .*control.* cannot be made/);
    await server.waitForLog(/WARN .*state.* cannot be written \(ENOENT/);
    assert.deepEqual(await server.kill('SIGTERM'), { code: 0, signal: null });
  });

  it('goes on where its log can not be written, and stops as it is told', async () => {
    const folder = stateDir(scope);
    const command = ['sh', '-c', 'exec "$@" 2>/dev/full', 'sh', ...ipipou(args(folder))];
    const server = start(scope, ns, command);
    const isUp = async (): Promise<boolean> => (await ask(join(folder, SOCKET_NAME), 'status')).kind === 'reply';
    await waitUntil(isUp, { what: 'the control socket' });
    assert.equal(server.ended, undefined);
    assert.deepEqual(await server.kill('SIGTERM'), { code: 0, signal: null });
  });
});
