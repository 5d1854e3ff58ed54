/** Addresses and ports mapped packet by packet, as users ask for it, and judged by what is on the wire. */
import assert from 'node:assert/strict';
import { afterEach, before, beforeEach, describe, it } from 'mocha';
import { startRecording } from '../recording.js';
import { httpDownload, httpServer, tcpConnect, udpEcho, udpError, udpPings } from '../host-programs.js';
import { ipipou, namespace, start, startCapture, suiteScope, veth } from '../index.js';
import type { ExecResult, Namespace } from '../index.js';
import { SUITE_TIMEOUT_MS } from './plane.js';

const BYTES = 1_000_000;

/** Two hosts on a cable, and a prefix that is routed to the server. */
interface Hosts {
  readonly server: string;
  readonly client: string;
  readonly prefix: string;
}
const V6: Hosts = { server: 'fc00:2070::2', client: 'fc00:2070::1', prefix: 'fc00:3002::/64' };
const V4: Hosts = { server: '10.70.0.2', client: '10.70.0.1', prefix: '10.71.0.0/16' };

const randmap = (ns: Namespace, words: string, mayFail = false): Promise<ExecResult> =>
  ns.exec(ipipou(['randmap', ...words.split(' ')]), { mayFail });

/** Counters of the kernel, all of IPv4 and IPv6. */
async function counters(ns: Namespace): Promise<ReadonlyMap<string, number>> {
  const { stdout } = await ns.exec(['nstat', '-asz']);
  return new Map(
    stdout
      .split('\n')
      .map((line) => line.trim().split(/\s+/))
      .map(([name = '', value]) => [name, Number(value)]),
  );
}

/** The `address.port` that stands before or behind the arrow of each captured line. */
const ends = (lines: readonly string[], host: string): string[] =>
  lines.map((line) => {
    const [, from = '', to = ''] = / IP6? (\S+) > (\S+):/.exec(line) ?? [];
    return from.startsWith(`${host}.`) ? to : from;
  });

/** `needs` skip the suite, where something that it takes can't be had. */
export function describeRandmap(needs: readonly ((this: Mocha.Context) => void)[] = []): void {
  describe('randmap', function () {
    this.timeout(SUITE_TIMEOUT_MS);
    for (const need of needs) before(need);
    const scope = suiteScope();
    let server: Namespace;
    let client: Namespace;
    /** The hash of what there is to be downloaded. */
    let served: string;

    before(async () => {
      [server, client] = await Promise.all([namespace(scope, 'server'), namespace(scope, 'client')]);
      await veth({ ns: server, device: 'eth' }, { ns: client, device: 'eth' });
      await server.ip(`addr add ${V6.server}/64 dev eth nodad`, `addr add ${V4.server}/24 dev eth`);
      await client.ip(
        `addr add ${V6.client}/64 dev eth nodad`,
        `addr add ${V4.client}/24 dev eth`,
        `route add ${V6.prefix} via ${V6.server}`,
        `route add ${V4.prefix} via ${V4.server}`,
      );
      const web = start(scope, server, httpServer(80, BYTES));
      const echo = start(scope, server, udpEcho(7));
      served = (await web.waitForLog(/serving (\S+)/))[1]!;
      await echo.waitForLog(/echoing/);
    });

    afterEach(async () => {
      await randmap(server, 'flush');
      await randmap(client, 'flush');
    });

    for (const [version, hosts] of [
      ['IPv6', V6],
      ['IPv4', V4],
    ] as const) {
      const one = (address: string): string => `${address}/${version === 'IPv6' ? 128 : 32}`;
      const url = `http://${version === 'IPv6' ? `[${hosts.server}]` : hosts.server}/`;
      const net = version === 'IPv6' ? 'ip6' : 'ip';
      const inPrefix = (end: string): boolean => (version === 'IPv6' ? /^fc00:3002:/ : /^10\.71\./).test(end);

      /** The four rules of the manual's example, for one protocol. */
      async function map(protocol: string, port: number): Promise<void> {
        const { server: address, prefix } = hosts;
        await randmap(
          server,
          `add PREROUTING -d ${prefix} -p ${protocol} --dst-pfx ${one(address)} --dport ${port}:${port}`,
        );
        await randmap(
          server,
          `add OUTPUT -s ${address} -p ${protocol} --match-sport ${port} --src-pfx ${prefix} --sport 0:65535 -o eth --every-packet`,
        );
        await randmap(
          client,
          `add OUTPUT -d ${address} -p ${protocol} --match-dport ${port} --dst-pfx ${prefix} --dport 0:65535 -o eth --every-packet`,
        );
        await randmap(
          client,
          `add PREROUTING -s ${prefix} -p ${protocol} --src-pfx ${one(address)} --sport ${port}:${port}`,
        );
      }

      it(`over ${version} downloads every byte, each packet with an address and a port of its own`, async () => {
        await map('tcp', 80);
        const recording = await startRecording(scope, client, 'eth', `${net} and tcp`);
        const { stdout } = await client.exec(httpDownload(url));
        const packets = await recording.lines();
        assert.equal(stdout.trim(), `${BYTES} ${served}`);
        const used = ends(packets, hosts.client);
        assert.ok(used.length > BYTES / 1500, `${used.length} packets`);
        assert.deepEqual(
          used.filter((end) => !inPrefix(end)),
          [],
        );
        assert.ok(new Set(used).size > used.length * 0.99, `${new Set(used).size} ends in ${used.length} packets`);
        for (const ns of [server, client]) assert.equal((await counters(ns)).get('TcpInCsumErrors'), 0);
      });

      it(`over ${version} brings datagrams there and back, large ones in one piece`, async () => {
        await map('udp', 7);
        const capture = await startCapture(scope, client, 'eth', `${net} and udp`);
        const small = await client.exec(udpPings(hosts.server, 7, 50, 100));
        await capture.stop();
        assert.equal(small.stdout.trim(), '50 of 50');
        const used = ends(capture.lines, hosts.client);
        assert.equal(used.length, 100);
        assert.deepEqual(
          used.filter((end) => !inPrefix(end)),
          [],
        );
        assert.ok(new Set(used).size >= 99);
        // Fragments of one datagram must get one address.
        const large = await client.exec(udpPings(hosts.server, 7, 10, 9000));
        assert.equal(large.stdout.trim(), '10 of 10');
        const [all, all6] = [await counters(server), await counters(client)];
        for (const counts of [all, all6]) {
          assert.equal(counts.get('UdpInCsumErrors'), 0);
          assert.equal(counts.get('Udp6InCsumErrors'), 0);
        }
      });

      it(`over ${version} answers pings to any address of the prefix`, async () => {
        await randmap(server, `add PREROUTING -d ${hosts.prefix} --dst-pfx ${one(hosts.server)}`);
        await randmap(server, `add OUTPUT -s ${hosts.server} -d ${hosts.client} --src-pfx ${hosts.prefix}`);
        await randmap(client, `add OUTPUT -d ${hosts.server} --dst-pfx ${hosts.prefix}`);
        await randmap(client, `add PREROUTING -s ${hosts.prefix} --src-pfx ${one(hosts.server)}`);
        const { stdout } = await client.exec(['ping', '-n', '-c', '10', '-i', '0.05', '-s', '3000', hosts.server]);
        assert.match(stdout, /10 packets transmitted, 10 received, 0% packet loss/);
      });

      it(`over ${version} understands a router's error about a packet that it mapped`, async () => {
        const { server: address, prefix } = hosts;
        await randmap(client, `add OUTPUT -d ${address} -p tcp --match-dport 80 --dst-pfx ${prefix} --dport 0:65535`);
        await randmap(client, `add PREROUTING -s ${prefix} -p tcp --src-pfx ${one(address)} --sport 80`);
        await server.sysctl({ [`net.${version.toLowerCase()}.conf.all.forwarding`]: 1 });
        await server.ip(`route add unreachable ${prefix}`);
        try {
          const { stdout } = await client.exec(tcpConnect(address, 80));
          assert.match(stdout, /^E(HOST|NET)UNREACH$/m);
        } finally {
          await server.ip(`route del unreachable ${prefix}`);
        }
      });

      it(`over ${version} understands an error that comes back to a mapped source`, async () => {
        const { server: address, prefix } = hosts;
        await randmap(server, `add OUTPUT -s ${address} -p udp --match-sport 9 --src-pfx ${prefix} --sport 0:65535`);
        await randmap(server, `add PREROUTING -d ${prefix} -p udp --dst-pfx ${one(address)} --dport 9`);
        const { stdout } = await server.exec(udpError(9, hosts.client, 9999));
        assert.equal(stdout.trim(), 'ECONNREFUSED');
      });
    }

    it('leaves a datagram without UDP checksum without one', async () => {
      await randmap(client, `add OUTPUT -d ${V4.server} -p udp --dst-pfx ${V4.prefix} --dport 1024:65535`);
      await randmap(server, `add PREROUTING -d ${V4.prefix} -p udp --dst-pfx ${V4.server}/32 --dport 7`);
      const capture = await startCapture(scope, server, 'eth', 'ip and udp and udp[6:2] = 0 and net 10.71.0.0/16');
      const before = await counters(server);
      await client.exec(noChecksum(V4.server, 7, 20));
      await capture.stop();
      const after = await counters(server);
      assert.equal(capture.count, 20);
      assert.equal(after.get('UdpInDatagrams')! - before.get('UdpInDatagrams')!, 20);
      assert.equal(after.get('UdpInCsumErrors'), before.get('UdpInCsumErrors'));
    });

    describe('rules', () => {
      beforeEach(async () => {
        await randmap(client, `add OUTPUT -d ${V6.server} --dst-pfx ${V6.prefix}`);
      });

      it('are listed with what they have counted, in the words that made them', async () => {
        await client.exec(['ping', '-c', '3', '-i', '0.05', '-W', '1', V6.server], { mayFail: true });
        const { stdout } = await randmap(client, 'show');
        assert.match(stdout, /^1\t[3-9] packets\t\d+ bytes\tOUTPUT -d fc00:2070::2\/128 --dst-pfx fc00:3002::\/64\n$/);
      });

      it('go one by one, the table with the last', async () => {
        const { stdout } = await randmap(client, 'add PREROUTING -p udp --dport 9');
        assert.equal(stdout, '2\n');
        await randmap(client, 'delete 1');
        assert.match((await randmap(client, 'show')).stdout, /^2\t.*PREROUTING -p udp --dport 9:9\n$/);
        assert.doesNotMatch(await client.nftList(), /map-1/);
        await randmap(client, 'delete 2');
        assert.equal(await client.nftList(), '');
        const again = await randmap(client, 'delete 2', true);
        assert.equal(again.code, 40);
        assert.match(again.stderr, /there is no rule 2/);
      });

      it('set a device for every packet, and set it back with the last that wants it', async () => {
        const segments = async (): Promise<unknown> =>
          ((await client.ipJson('-d link show eth')) as { gso_max_segs: number }[])[0]?.gso_max_segs;
        const before = await segments();
        await randmap(client, 'add OUTPUT -p tcp --dport 1:9 -o eth --every-packet');
        await randmap(client, 'add OUTPUT -p udp --dport 1:9 -o eth --every-packet');
        assert.equal(await segments(), 1);
        await randmap(client, 'delete 2');
        assert.equal(await segments(), 1);
        await randmap(client, 'delete 3');
        assert.equal(await segments(), before);
      });

      it('at INPUT, FORWARD and POSTROUTING are not tracked as connections, and are removed whole', async () => {
        for (const words of [
          'INPUT -i eth -p tcp --dport 80',
          'FORWARD -i eth -o eth --src-pfx 10.71.0.0/16',
          'POSTROUTING -o eth -p udp --sport 1:9',
        ]) {
          await randmap(client, `add ${words}`);
        }
        assert.equal((await client.nftList()).match(/notrack/g)?.length, 5);
        await randmap(client, 'flush');
        assert.equal(await client.nftList(), '');
      });

      it('don’t touch a table of the same name that is not theirs', async () => {
        await randmap(client, 'flush');
        await client.nft('add table inet ipipou-randmap');
        const refused = await randmap(client, 'add OUTPUT --dport 9', true);
        assert.equal(refused.code, 40);
        assert.match(refused.stderr, /is not ours/);
        await client.nft('delete table inet ipipou-randmap');
      });
    });
  });
}

/** SO_NO_CHECK (11) needs a system call that Node has no word for; a raw packet needs none. */
function noChecksum(address: string, port: number, count: number): string[] {
  const code = `
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(socket.SOL_SOCKET, 11, 1)
for i in range(${count}): s.sendto(b'x' * 50, ('${address}', ${port}))
`;
  return ['python3', '-c', code];
}
