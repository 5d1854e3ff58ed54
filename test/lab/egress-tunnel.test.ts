/** From which address a tunnel's traffic leaves the server, with the daemon as users start it. */
import assert from 'node:assert/strict';
import { before, describe, it } from 'mocha';
import { clientArgs, makeKeys, PORT, startClient, startServer, stateDir } from './support/tunnel.js';
import type { Keys } from './support/tunnel.js';
import { namespace, startCapture, startDaemon, suiteScope, veth, waitUntil } from './support/index.js';
import type { Namespace, Running } from './support/index.js';

/** client 10.9.3.1 ── 10.9.3.2 server 10.9.8.1 ── 10.9.8.2 world; the world sends what it gets for 198.51.100.0/24 to the server. */
describe('egress of a tunnel', () => {
  const scope = suiteScope();
  let client: Namespace;
  let server: Namespace;
  let world: Namespace;
  let daemon: Running;
  let keys: Keys;
  let state: string;

  const start = (every: string): Promise<Running> => {
    const policy = `rotate addresses=198.51.100.0/24 per=tunnel every=${every} protocols=udp,icmp`;
    const args = ['--egress', policy, '--egress', 'masquerade', '--ip-forward'];
    return startServer(scope, server, keys, { state, local: '@eth', args });
  };
  /** The sources that the world sees of some pings from inside the tunnel. */
  const seen = async (count: number, intervalSeconds: number): Promise<string[]> => {
    const capture = await startCapture(scope, world, 'eth', 'icmp[icmptype] = icmp-echo');
    await client.exec(['ping', '-c', String(count), '-i', String(intervalSeconds), '-W', '1', '10.9.8.2'], {
      mayFail: true,
    });
    await capture.stop();
    return capture.lines.map((line) => / IP (\S+) > /.exec(line)?.[1] ?? line);
  };

  before(async () => {
    [client, server, world] = await Promise.all([
      namespace(scope, 'client'),
      namespace(scope, 'server'),
      namespace(scope, 'world'),
    ]);
    await veth(
      { ns: client, device: 'eth', address: '10.9.3.1/24' },
      { ns: server, device: 'eth', address: '10.9.3.2/24' },
    );
    await veth(
      { ns: server, device: 'out', address: '10.9.8.1/24' },
      { ns: world, device: 'eth', address: '10.9.8.2/24' },
    );
    await world.ip('route add 198.51.100.0/24 via 10.9.8.1');
    keys = makeKeys();
    state = stateDir(scope);
    daemon = await start('3s');
    await startClient(scope, client, keys, `10.9.3.2:${PORT}`);
    await client.ip('route add 10.9.8.0/24 dev ipipou0');
  });

  it('is an address of the pool, answered there, and another one when its time is up', async () => {
    const { stdout } = await client.exec(['ping', '-c', '3', '-i', '0.2', '10.9.8.2']);
    assert.match(stdout, / 0% packet loss/);
    const sources = new Set<string>();
    await waitUntil(
      async () => {
        for (const source of await seen(1, 1)) sources.add(source);
        return sources.size >= 2;
      },
      { what: 'a second address' },
    );
    for (const source of sources) assert.match(source, /^198\.51\.100\./);
  });

  it('goes on and stays closed to the inner address when somebody flushes the ruleset', async () => {
    const since = daemon.mark();
    await server.exec(['nft', 'flush', 'ruleset']);
    await daemon.waitForLog(/inet ipipou-0-egress is gone: repaired/, { since });
    await waitUntil(async () => (await seen(1, 1)).some((source) => source.startsWith('198.51.100.')), {
      what: 'pings',
    });
    const sources = await seen(10, 0.2);
    assert.deepEqual(
      sources.filter((source) => !source.startsWith('198.51.100.')),
      [],
    );
  });

  it('stays as it is when the daemon is killed, and is taken over by the next one', async () => {
    await daemon.kill('SIGKILL');
    const [before] = await seen(2, 0.2);
    assert.match(before ?? 'none', /^198\.51\.100\./);
    // With time enough to look at what it took over.
    daemon = await start('1h');
    const held = /198\.51\.100\.\d+/.exec(await server.nftList('map inet ipipou-0-egress held-ipv4'))?.[0];
    assert.equal(held, before);
  });

  it('is gone when the server is killed and a client takes the tunnel over', async () => {
    await daemon.kill('SIGKILL');
    const taker = startDaemon(scope, server, clientArgs(keys, `10.9.3.1:${PORT}`, '--state-dir', stateDir(scope)));
    await taker.waitForLog(/client ready/);
    assert.doesNotMatch(await server.nftList(), /egress/);
    assert.equal((await server.exec(['tc', 'filter', 'show', 'dev', 'ipipou0', 'ingress'])).stdout, '');
    await taker.kill('SIGTERM');
    daemon = await start('1h');
  });

  it('is gone with the daemon, and nothing of it is left', async () => {
    await daemon.kill('SIGTERM');
    assert.doesNotMatch(await server.nftList(), /egress/);
    const { stdout } = await server.exec(['ip', 'rule']);
    assert.doesNotMatch(stdout, /prohibit/);
  });
});
