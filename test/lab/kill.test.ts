import assert from 'node:assert/strict';
import { before, describe, it } from 'mocha';
import { answersPing, startDaemon, startPing, suiteScope, waitUntil } from './support/index.js';
import { clientArgs, natTunnel, SERVER_INNER, stateDir, type NatTunnel } from './support/tunnel.js';
import { innerPing, PORT, receivedPackets } from './support/tunnel.js';
import { rawSender } from './support/index.js';
import { SERVER_OUTER, STRANGER_OUTER } from './support/wan.js';

describe('kill -9 of the server', () => {
  const scope = suiteScope();
  let tunnel: NatTunnel;

  before(async () => {
    tunnel = await natTunnel(scope);
  });

  it('loses no packet of a ping at 50 Hz, nor does the start after it, which takes the tunnel over', async () => {
    const { net } = tunnel;
    const pinging = startPing(scope, net.client, SERVER_INNER, { intervalMs: 20 });
    const answered = (more: number): Promise<unknown> => {
      const target = (pinging.received.at(-1) ?? 0) + more;
      return waitUntil(() => (pinging.received.at(-1) ?? 0) >= target, { what: `${more} more answers` });
    };
    await answered(25);
    await tunnel.server.kill('SIGKILL');
    await answered(100);
    const restarted = await tunnel.startServerAgain();
    assert.match(restarted.log, /taken over, bound to 10\.9\.2\.1/);
    // What is as it should be is left alone: no moment at which a packet could get lost.
    assert.doesNotMatch(restarted.log, /DEBUG (ip|nft) /);
    await answered(50);
    const { lost } = await pinging.stop();
    assert.deepEqual(lost, []);
  });

  it('keeps a second daemon of that number out, by name, whatever else it is told to take', async () => {
    const { net, server, keys } = tunnel;
    const made = async (): Promise<unknown[]> => [
      (await net.server.exec(['ip', '-d', 'link', 'show'])).stdout,
      await net.server.ipJson('fou show'),
      await net.server.nftList('tables'),
    ];
    const before = await made();
    const apart = ['-q', '1', '--tunl-dev', 'mine', '--nft-table', 'mine', '-b', ':10007@wan'];
    const args = clientArgs(keys, '10.9.2.1:10000', ...apart, '--state-dir', stateDir(scope));
    const second = startDaemon(scope, net.server, args);
    assert.equal((await second.exit).code, 52, second.log);
    const says = `tunnel 0 is run by .*process ${server.pid} here already: .* --number`;
    assert.match(second.log, new RegExp(says));
    assert.deepEqual(await made(), before);
    assert.equal(server.ended, undefined);
    assert.ok(await answersPing(net.client, SERVER_INNER));
  });

  it('lets nobody new in while the server is away', async () => {
    const { net } = tunnel;
    await tunnel.server.kill('SIGKILL');
    const stranger = rawSender(scope, net.stranger);
    const before = await receivedPackets(net.server);
    const payload = innerPing('172.28.0.1', SERVER_INNER, 3, 3);
    for (let port = 1; port <= 20; port++) {
      stranger.udp({ from: `${STRANGER_OUTER}:${port}`, to: `${SERVER_OUTER}:${PORT}`, payload });
    }
    assert.ok(await answersPing(net.stranger, SERVER_OUTER));
    assert.equal(await receivedPackets(net.server), before);
  });

  it('is followed by a start that takes the very next packet of a client that has just sent several', async () => {
    const authenticate = async (): Promise<void> => {
      const since = tunnel.client.mark();
      tunnel.client.signal('SIGUSR1');
      await tunnel.client.waitForLog(/the server answered/, { since });
    };
    await tunnel.startServerAgain();
    for (let times = 0; times < 3; times += 1) await authenticate();
    await tunnel.remembers(Math.floor(Date.now() / 1000));
    await tunnel.server.kill('SIGKILL');
    const restarted = await tunnel.startServerAgain();
    await authenticate();
    assert.doesNotMatch(restarted.log, /refused a packet/);
    await restarted.kill('SIGKILL');
  });

  it('is followed by a next run that goes on at the signals that are no stop', async () => {
    const restarted = await tunnel.startServerAgain();
    for (const signal of ['SIGHUP', 'SIGUSR1', 'SIGUSR2'] as const) {
      restarted.signal(signal);
      await restarted.waitForLog(new RegExp(`INFO ${signal} ignored`));
    }
    assert.ok(await answersPing(tunnel.net.client, SERVER_INNER));
  });

  it('which stops with 200 where a device of others is in the place of its own, and removes but that', async () => {
    const { server, net } = tunnel;
    // Frozen, or it would hear of the change before it is told to stop.
    server.signal('SIGSTOP');
    await net.server.ip('link delete ipipou0', 'link add ipipou0 type dummy');
    server.signal('SIGTERM');
    const { code } = await server.kill('SIGCONT');
    assert.equal(code, 200, server.log);
    assert.match(server.log, /FATAL the device ipipou0 is there already and not ours: .* \(exit code 200: /);
    assert.match((await net.server.exec(['ip', '-d', 'link', 'show', 'ipipou0'])).stdout, /dummy/);
    assert.equal((await net.server.nftList()).trim(), '');
    await net.server.ip('link delete ipipou0');
  });
});
