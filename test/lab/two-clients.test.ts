import assert from 'node:assert/strict';
import { before, describe, it } from 'mocha';
import {
  answersPing,
  ipipou,
  startCapture,
  suiteScope,
  waitUntil,
  type Namespace,
  type Running,
} from './support/index.js';
import { clientArgs, endpointOf, makeKeys, startClient, startServer, stateDir } from './support/tunnel.js';
import { NAT_OUTER, SERVER_OUTER, wanTopology, type WanTopology } from './support/wan.js';

/** Tunnel N of the default numbering. */
const inner = (number: number): { server: string; client: string; device: string; port: number } => ({
  server: `172.28.0.${2 * number}`,
  client: `172.28.0.${2 * number + 1}`,
  device: `ipipou${number}`,
  port: 10_000 + number,
});

describe('two clients behind one public address, two daemons on one server', () => {
  const scope = suiteScope();
  let net: WanTopology;
  let clients: Running[];
  /** The arguments of the second client, which has no keepalive. */
  let secondArgs: string[];

  before(async () => {
    net = await wanTopology(scope);
    const startBoth = async (ns: Namespace, number: number): Promise<Running> => {
      const keys = makeKeys();
      // Both clients are tunnel N of their server and tunnel 0 of their own host.
      const { server, client, port } = inner(number);
      const args = ['--tunl-ip', client, '--tunl-peer-ip', server];
      const state = stateDir(scope);
      if (number === 0) args.push('--keepalive', '1');
      else secondArgs = clientArgs(keys, `${SERVER_OUTER}:${port}`, '--state-dir', state, ...args);
      const [, started] = await Promise.all([
        startServer(scope, net.server, keys, { args: ['-n', String(number)] }),
        startClient(scope, ns, keys, `${SERVER_OUTER}:${port}`, { state, args }),
      ]);
      return started;
    };
    clients = await Promise.all([net.client, net.second].map(startBoth));
  });

  async function bothWork(): Promise<void> {
    for (const [number, ns] of [net.client, net.second].entries()) {
      const { server, client } = inner(number);
      assert.ok(await answersPing(ns, server), `client ${number} to server`);
      assert.ok(await answersPing(net.server, client), `server to client ${number}`);
    }
  }

  it('both carry traffic, each through its own device', async () => {
    await bothWork();
    for (const number of [0, 1]) {
      const { device, client } = inner(number);
      const foreign = await startCapture(scope, net.server, device, `not host ${client}`);
      const own = await startCapture(scope, net.server, device, `host ${client}`);
      await bothWork();
      await waitUntil(() => own.count > 0, { what: 'own traffic' });
      await own.stop();
      assert.equal(await foreign.stop(), 0);
    }
  });

  it('both roam, each alone, and end on one public address again, by --keepalive and by --reauth-only', async () => {
    for (const number of [0, 1]) {
      await net.router.ip(`addr add 10.9.2.${90 + number}/24 dev wan`);
      for (const [which, client] of clients.entries()) {
        const { device } = inner(which);
        const ports = which === number ? 50_000 + which : 51_000 + which;
        await net.router.nft(`
          table ip lab-nat
          delete table ip lab-nat
          table ip lab-nat {
            chain post {
              type nat hook postrouting priority srcnat
              ip saddr 10.9.1.${2 + which} udp dport ${10_000 + which} snat to 10.9.2.${90 + number}:${ports}
              oifname "wan" masquerade
            }
          }`);
        await net.router.exec(['conntrack', '-F']);
        client.signal('SIGUSR1');
        const wanted = `10.9.2.${90 + number}:${ports}`;
        await waitUntil(async () => (await endpointOf(net.server, device)) === wanted, {
          what: `${device} at ${wanted}`,
        });
      }
    }
    await net.router.nft(`
      table ip lab-nat
      delete table ip lab-nat
      table ip lab-nat {
        chain post {
          type nat hook postrouting priority srcnat
          oifname "wan" snat to ${NAT_OUTER}
        }
      }`);
    await net.router.exec(['conntrack', '-F']);
    const isBack = async (number: number): Promise<boolean> =>
      (await endpointOf(net.server, inner(number).device))?.startsWith(`${NAT_OUTER}:`) === true;
    await waitUntil(() => isBack(0), { what: 'the client with --keepalive back by itself' });
    assert.ok(!(await isBack(1)), 'without --keepalive it waits to be told');

    // Told by a process of its own, which knows what the client has signed.
    await net.second.exec(ipipou([...secondArgs, '--reauth-only']));
    await waitUntil(() => isBack(1), { what: 'the other one back by --reauth-only' });
    const since = clients[1]?.mark() ?? 0;
    clients[1]?.signal('SIGUSR1');
    await clients[1]?.waitForLog(/the server answered/, { since });
    await bothWork();
  });
});
