/**
 * What every data plane keeps to, told by whole daemons of both sides. Where a plane can't keep a part of it, that part is
 * skipped, and its title says why.
 */
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { after, before, describe, it } from 'mocha';
import { ask, isObject, SOCKET_NAME } from '../../../src/control/index.js';
import { answersPing, barrier, makeNatRouter, rawSender, startDaemon, startPing, Scope, waitUntil } from './index.js';
import { SUITE_TIMEOUT_MS, type PlaneSuite } from './suites/plane.js';
import { echoRequests } from './echo-requests.js';
import { checksumErrors, transfer } from './transfer.js';
import {
  CLIENT_INNER,
  innerPing,
  natTunnel,
  PORT,
  receivedPackets,
  SERVER_INNER,
  stateDir,
  type NatTunnel,
} from './tunnel.js';
import { skipBecause } from '../../support/skip.js';

export interface Contract extends PlaneSuite {
  /** Of a transfer in each direction. */
  readonly transferBytes: number;
}

const LIFETIME_SECONDS = 4;
const ENTERS_WITHIN_MS = 500;
/** How either plane names what a stranger sent: by the comment of its rule, or in words. */
const DROPPED = /stranger|not bound/;

const threadsOf = (pid: number): number => readdirSync(`/proc/${pid}/task`).length;
const descriptorsOf = (pid: number): number => readdirSync(`/proc/${pid}/fd`).length;

/**
 *     client 10.9.1.2 ── [ NAT 10.9.2.1 ] ── switch ── server 10.9.2.2
 *                                stranger 10.9.2.66 ──┘
 */
export function describeContract({ plane, transferBytes, needs = [] }: Contract): void {
  const args = ['--data-plane', plane];

  describe(`a tunnel of the ${plane} data plane through a masquerading NAT`, function () {
    this.timeout(SUITE_TIMEOUT_MS);
    const scope = new Scope();
    const controlDir = stateDir(scope);
    let tunnel: NatTunnel;

    for (const need of needs) before(need);
    before(async function () {
      this.timeout(SUITE_TIMEOUT_MS);
      const serverArgs = [...args, '--auth-lifetime', '600', '--control-dir', controlDir];
      tunnel = await natTunnel(scope, { args: serverArgs }, { args });
    });
    after(() => scope.close());

    const works = async (what: string): Promise<void> => {
      assert.ok(await answersPing(tunnel.net.client, SERVER_INNER), `from the client, ${what}`);
      assert.ok(await answersPing(tunnel.net.server, CLIENT_INNER), `from the server, ${what}`);
    };

    it('carries pings both ways, and none is lost', async () => {
      assert.match(tunnel.server.log, new RegExp(`data plane: ${plane}`));
      for (const [ns, to] of [
        [tunnel.net.client, SERVER_INNER],
        [tunnel.net.server, CLIENT_INNER],
      ] as const) {
        const { lost, unanswered } = await startPing(scope, ns, to, { count: 20, intervalMs: 20 }).done();
        assert.deepEqual({ lost, unanswered }, { lost: [], unanswered: 0 });
      }
    });

    it('has a device of that name, with its addresses, mark and MTU', async () => {
      const { server } = tunnel.net;
      const [made] = (await server.ipJson('link show ipipou0')) as { mtu: number; ifalias: string }[];
      assert.equal(made?.mtu, 1472);
      assert.equal(made.ifalias, 'ipipou-ts tunnel 0 port 10000');
      const [link] = (await server.ipJson('address show ipipou0')) as {
        addr_info: { family: string; local: string; address: string }[];
      }[];
      const ipv4 = link?.addr_info.filter(({ family }) => family === 'inet');
      assert.deepEqual(
        ipv4?.map(({ local, address }) => [local, address]),
        [[SERVER_INNER, CLIENT_INNER]],
      );
    });

    it(`carries ${transferBytes / 1e6} MB each way bit for bit`, async () => {
      const { server, client } = tunnel.net;
      const ends = [
        { ns: server, address: SERVER_INNER },
        { ns: client, address: CLIENT_INNER },
      ] as const;
      await transfer(scope, ends[0], ends[1], transferBytes);
      await transfer(scope, ends[1], ends[0], transferBytes);
      assert.deepEqual(await checksumErrors(server), {});
      assert.deepEqual(await checksumErrors(client), {});
    });

    it('lets in neither what a stranger sends nor a foreign inner source', async () => {
      await tunnel.moveTo(40_001);
      const sender = rawSender(scope, tunnel.net.stranger);
      const to = `10.9.2.2:${PORT}`;
      const before = await echoRequests(tunnel.net.server);
      const good = innerPing(CLIENT_INNER, SERVER_INNER, 77, 1);
      for (let sent = 0; sent < 20; sent += 1) {
        sender.udp({ from: '10.9.2.66:40001', to, payload: good });
        sender.udp({ from: '10.9.2.1:40002', to, payload: good });
        sender.udp({ from: '10.9.2.1:40001', to, payload: innerPing('10.9.2.66', SERVER_INNER, 77, 1) });
        sender.udp({ from: '10.9.2.1:40001', to, payload: good.subarray(0, 30) });
      }
      // The one that may enter comes behind all of them.
      sender.udp({ from: '10.9.2.1:40001', to, payload: good });
      await waitUntil(async () => (await echoRequests(tunnel.net.server)) > before, { what: 'the last packet' });
      assert.equal(await echoRequests(tunnel.net.server), before + 1);
    });

    it('follows to another port, and shuts the old endpoint out', async () => {
      await tunnel.moveTo(40_003);
      await works('after a move');
      const sender = rawSender(scope, tunnel.net.stranger);
      const before = await receivedPackets(tunnel.net.server);
      const payload = innerPing(CLIENT_INNER, SERVER_INNER, 78, 1);
      sender.udp({ from: '10.9.2.1:40001', to: `10.9.2.2:${PORT}`, payload });
      await barrier(tunnel.net.stranger, '10.9.2.2');
      sender.udp({ from: '10.9.2.1:40003', to: `10.9.2.2:${PORT}`, payload });
      await waitUntil(async () => (await receivedPackets(tunnel.net.server)) > before, { what: 'the last packet' });
      assert.equal(await receivedPackets(tunnel.net.server), before + 1);
    });

    for (const [name, commands, line] of [
      ['the device is deleted', ['link delete ipipou0'], /repaired: the device ipipou0 is gone/],
      ['the device is set down', ['link set ipipou0 down'], /repaired: the device ipipou0 is down/],
      ['its address is deleted', ['address flush dev ipipou0'], /repaired: the device ipipou0 has lost its address/],
      ['its route is deleted', [`route delete ${CLIENT_INNER}/32`], /repaired: the route to 172\.28\.0\.1/],
      ['its MTU is changed', ['link set ipipou0 mtu 600'], /repaired: .* an MTU of 600 instead of 1472/],
    ] as const) {
      it(`goes on after ${name}`, async () => {
        const since = tunnel.server.mark();
        await tunnel.net.server.ip(...commands);
        await tunnel.server.waitForLog(line, { since });
        await works(name);
      });
    }

    it('goes on after the network was down', async () => {
      const { client } = tunnel.net;
      await client.ip('link set inside down');
      assert.equal(await answersPing(client, SERVER_INNER, 1), false);
      await client.ip('link set inside up', 'route add default via 10.9.1.1');
      await works('after the network was down');
    });

    it('goes on with another address of the client', async () => {
      const { client, router } = tunnel.net;
      // Its one port belongs to the old address for as long as the router remembers that.
      await makeNatRouter(router, 'wan');
      const since = tunnel.client.mark();
      await client.ip(
        'address delete 10.9.1.2/24 dev inside',
        'address add 10.9.1.7/24 dev inside',
        'route replace default via 10.9.1.1',
      );
      await tunnel.client.waitForLog(/outer address is 10\.9\.1\.7 on inside now/, { since });
      await tunnel.client.waitForLog(/the server answered/, { since });
      await works('with another address');
    });

    it('follows the path MTU down', async () => {
      const { router, client } = tunnel.net;
      await router.ip('link set wan mtu 1300');
      // What comes the other way would be lost on the cable, without a word.
      await transfer(
        scope,
        { ns: client, address: CLIENT_INNER },
        { ns: tunnel.net.server, address: SERVER_INNER },
        transferBytes / 5,
      );
      await router.ip('link set wan mtu 1500');
    });

    it('goes on after routers answered that nobody can be reached', async () => {
      const { router, server, client } = tunnel.net;
      await router.nft(`
        table ip refuses {
          chain forward {
            type filter hook forward priority 0
            reject with icmp host-unreachable
          }
        }`);
      for (const [ns, to] of [
        [client, SERVER_INNER],
        [server, CLIENT_INNER],
      ] as const) {
        assert.equal(await answersPing(ns, to, 1), false);
      }
      await router.nft('delete table ip refuses');
      await works('after errors of the network');
    });

    it('carries a transfer over a device that takes less than it is given', async () => {
      const { server, client } = tunnel.net;
      // Each packet that finds no room is refused (ENOBUFS), or lost.
      await server.exec('tc qdisc add dev wan root tbf rate 100mbit burst 20k limit 20k'.split(' '));
      const ends = [
        { ns: server, address: SERVER_INNER },
        { ns: client, address: CLIENT_INNER },
      ] as const;
      await transfer(scope, ends[0], ends[1], transferBytes / 5);
      const { stdout } = await server.exec('tc -s qdisc show dev wan'.split(' '));
      assert.match(stdout, /dropped [1-9]/);
      await server.exec('tc qdisc delete dev wan root'.split(' '));
      await works('after a narrow device');
    });

    it('still lets its client in, and move, under a flood from strangers', async () => {
      const { stranger } = tunnel.net;
      const sender = rawSender(scope, stranger);
      const garbage = Buffer.alloc(73, 0x91);
      const flooding = new AbortController();
      const flood = (async () => {
        while (!flooding.signal.aborted) {
          for (let sent = 0; sent < 200; sent += 1) {
            const from = `10.9.2.66:${1000 + sent}`;
            sender.udp({
              from,
              to: `10.9.2.2:${PORT}`,
              payload: sent % 2 === 0 ? garbage : innerPing(CLIENT_INNER, SERVER_INNER, 1, sent),
            });
          }
          await new Promise((resolve) => setTimeout(resolve, 10));
        }
      })();
      try {
        await works('under a flood');
        await tunnel.moveTo(40_009);
        await works('after a move under a flood');
      } finally {
        flooding.abort();
        await flood;
      }
    });

    it('keeps a second daemon of that number out, by name', async () => {
      const second = startDaemon(scope, tunnel.net.server, [...args, '-s', '-b', ':10007@wan', '--auth-token', 'abc']);
      assert.equal((await second.exit).code, 52, second.log);
      assert.match(second.log, new RegExp(`tunnel 0 is run by ipipou-ts, process ${tunnel.server.pid} here already`));
      await works('beside a second daemon');
    });

    it('has as many threads and descriptors as before after more moves, repairs and addresses', async () => {
      const { server, client, net } = tunnel;
      const held = (): number[] => [server, client].flatMap(({ pid }) => [threadsOf(pid), descriptorsOf(pid)]);
      const before = held();
      await tunnel.moveTo(40_010);
      // Its one port would belong to the first address for as long as the router remembers that.
      await makeNatRouter(net.router, 'wan');
      for (const [off, on] of [
        ['10.9.1.7', '10.9.1.8'],
        ['10.9.1.8', '10.9.1.7'],
      ]) {
        const since = client.mark();
        const outer = [`addr del ${off}/24 dev inside`, `addr add ${on}/24 dev inside`];
        await net.client.ip(...outer, 'route replace default via 10.9.1.1');
        await client.waitForLog(/the server answered/, { since });
      }
      await net.server.ip('link delete ipipou0');
      await works('once more');
      await waitUntil(() => held().every((count, index) => count <= (before[index] ?? 0)), {
        what: `no more than ${before.join(', ')} threads and descriptors`,
      });
    });

    it('loses no ping when the server is killed and started again', async function () {
      if (plane === 'userspace') skipBecause(this, 'a TUN device ends with its process');
      const pinging = startPing(scope, tunnel.net.client, SERVER_INNER, { intervalMs: 20 });
      const answered = (more: number): Promise<unknown> => {
        const target = (pinging.received.at(-1) ?? 0) + more;
        return waitUntil(() => (pinging.received.at(-1) ?? 0) >= target, { what: `${more} more answers` });
      };
      await answered(10);
      await tunnel.server.kill('SIGKILL');
      await answered(10);
      await tunnel.startServerAgain();
      await answered(10);
      assert.deepEqual((await pinging.stop()).lost, []);
    });

    it('serves its client again after a kill -9, as soon as that has authenticated', async () => {
      const { server, client } = tunnel;
      await server.kill('SIGKILL');
      await tunnel.startServerAgain();
      const since = client.mark();
      client.signal('SIGUSR1');
      await client.waitForLog(/the server answered/, { since });
      await works('after a kill -9');
    });

    it('tells what it dropped when it is asked, and when it is stopped, and leaves nothing behind', async () => {
      const { server, client, net } = tunnel;
      const isTold = async (): Promise<boolean> => {
        const asked = await ask(join(controlDir, SOCKET_NAME), 'status');
        assert.ok(asked.kind === 'reply' && asked.reply.ok && isObject(asked.reply.result), JSON.stringify(asked));
        return DROPPED.test(JSON.stringify(asked.reply.result['refused']));
      };
      // Counted anew since the last start.
      assert.equal(await isTold(), false);
      rawSender(scope, net.stranger).udp({
        from: '10.9.2.66:1',
        to: `10.9.2.2:${PORT}`,
        payload: innerPing(CLIENT_INNER, SERVER_INNER, 79, 1),
      });
      await waitUntil(isTold, { what: 'the packet among those that were dropped' });
      for (const daemon of [server, client]) assert.deepEqual(await daemon.kill(), { code: 0, signal: null });
      assert.match(server.log.split('packets refused since the start: ').at(-1) ?? '', DROPPED);
      for (const ns of [net.server, net.client]) {
        const links = (await ns.ipJson('link show')) as { ifname: string }[];
        assert.deepEqual(
          links.map(({ ifname }) => ifname).filter((name) => name.startsWith('ipipou')),
          [],
        );
        const { stdout } = await ns.exec(['cat', '/proc/thread-self/net/udp']);
        assert.doesNotMatch(stdout, /:2710 /);
        assert.equal((await ns.nftList()).includes('ipipou'), false);
      }
    });

    it('lets a client in for its lifetime, and again when it has authenticated again', async () => {
      const short = await natTunnel(scope, { args: [...args, '--auth-lifetime', String(LIFETIME_SECONDS)] }, { args });
      const { net, client } = short;
      const from = endpointIn(short.server.log);
      const sender = rawSender(scope, net.stranger);
      const enters = async (): Promise<boolean> => {
        const before = await receivedPackets(net.server);
        sender.udp({ from, to: `10.9.2.2:${PORT}`, payload: innerPing(CLIENT_INNER, SERVER_INNER, 80, 1) });
        await barrier(net.stranger, '10.9.2.2');
        // The thread that carries packets may be behind.
        const deadline = performance.now() + ENTERS_WITHIN_MS;
        for (;;) {
          if ((await receivedPackets(net.server)) > before) return true;
          if (performance.now() > deadline) return false;
          await sleep(20);
        }
      };
      const authenticate = async (): Promise<void> => {
        const since = client.mark();
        client.signal('SIGUSR1');
        await client.waitForLog(/the server answered/, { since });
      };
      await authenticate();
      const begun = performance.now();
      assert.ok((await enters()) || performance.now() - begun > LIFETIME_SECONDS * 1000);
      await waitUntil(async () => !(await enters()), { what: 'the end of its life' });
      assert.ok(performance.now() - begun >= (LIFETIME_SECONDS - 1) * 1000, 'shut out too early');
      await authenticate();
      await waitUntil(enters, { what: 'a new life' });
    });
  });
}

/** Where the server saw its client first. */
const endpointIn = (log: string): string => /client authenticated from (\S+)/.exec(log)?.[1] ?? assert.fail(log);
