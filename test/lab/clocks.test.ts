import assert from 'node:assert/strict';
import { before, describe, it } from 'mocha';
import {
  answersPing,
  pairTopology,
  rawSender,
  startDaemon,
  suiteScope,
  type Namespace,
  type Running,
} from './support/index.js';
import { shiftedClock, type ShiftedClock } from './support/clock.js';
import {
  authPacket,
  clientArgs,
  endpointOf,
  makeKeys,
  PORT,
  refusal,
  SERVER_INNER,
  startClient,
  startServer,
  stateDir,
  type Keys,
} from './support/tunnel.js';

const HOUR = 3600;
const SERVER = `10.9.3.2:${PORT}`;
const CLIENT = `10.9.3.1:${PORT}`;

/** Has the client authenticate again, and waits for the answer. */
async function authenticates(client: Running): Promise<void> {
  const since = client.mark();
  client.signal('SIGUSR1');
  await client.waitForLog(/the server answered/, { since });
}

describe('a client whose clock is wrong', () => {
  const scope = suiteScope();
  let keys: Keys;
  let server: Running;
  let client: Running;
  let clock: ShiftedClock;
  let clientNs: Namespace;
  let serverNs: Namespace;
  const state = stateDir(scope);

  before(async () => {
    ({ a: clientNs, b: serverNs } = await pairTopology(scope));
    keys = makeKeys();
    clock = shiftedClock(scope);
    server = await startServer(scope, serverNs, keys, { local: '@eth' });
  });

  it('by an hour behind is told apart by a server that never met it, and gets in when it is set right', async () => {
    clock.set(-HOUR);
    client = startDaemon(scope, clientNs, clientArgs(keys, SERVER, '--state-dir', state), clock.env);
    await server.waitForLog(/refused a packet from 10\.9\.3\.1:10000: older \(.*is the sender's clock behind\?\)/);
    assert.doesNotMatch(client.log, /the server answered/);
    clock.set(0);
    await authenticates(client);
    assert.ok(await answersPing(clientNs, SERVER_INNER));
  });

  it('by an hour ahead gets in', async () => {
    clock.set(HOUR);
    await authenticates(client);
  });

  for (const [name, offset] of [
    ['an hour', 0],
    ['5 s more', -5],
    ['another hour', -HOUR],
  ] as const) {
    it(`stepping back by ${name} stays in`, async () => {
      clock.set(offset);
      await authenticates(client);
    });
  }

  it('stays in after it was killed and started again with its clock back', async () => {
    await client.kill('SIGKILL');
    client = await startClient(scope, clientNs, keys, SERVER, { state, env: clock.env });
    assert.ok(await answersPing(clientNs, SERVER_INNER));
    assert.equal(server.ended, undefined);
  });
});

describe('a server that booted in 1970', () => {
  const scope = suiteScope();
  const bootedIn1970 = (): number => 60 - Math.floor(Date.now() / 1000);

  it('lets its client in, before and after its clock is set, and no packet twice, not even after a restart', async () => {
    const { a: clientNs, b: serverNs } = await pairTopology(scope);
    const keys = makeKeys();
    const clock = shiftedClock(scope);
    const state = stateDir(scope);
    clock.set(bootedIn1970());
    let server = await startServer(scope, serverNs, keys, { local: '@eth', state, env: clock.env });
    const client = await startClient(scope, clientNs, keys, SERVER);
    assert.equal(await endpointOf(serverNs), CLIENT);

    const captured = authPacket(keys, Math.floor(Date.now() / 1000) + 2);
    const sender = rawSender(scope, clientNs);
    const send = (from: string): void => {
      sender.udp({ from, to: SERVER, payload: captured });
    };
    const refused = (from: string, reason: string): Promise<void> =>
      refusal(
        server,
        from,
        () => {
          send(from);
        },
        reason,
      );
    send('10.9.3.1:4001');
    await server.waitForLog(/client moved from 10\.9\.3\.1:10000 to 10\.9\.3\.1:4001/);
    await refused('10.9.3.1:4002', 'replayed');

    clock.set(0);
    await authenticates(client);
    await refused('10.9.3.1:4003', '(older|replayed)');

    // Another boot, in 1970 again, with what the last one remembered.
    await server.kill('SIGKILL');
    clock.set(bootedIn1970());
    server = await startServer(scope, serverNs, keys, { local: '@eth', state, env: clock.env });
    await refused('10.9.3.1:4004', '(older|replayed)');
    await authenticates(client);
    assert.ok(await answersPing(clientNs, SERVER_INNER));
  });
});
