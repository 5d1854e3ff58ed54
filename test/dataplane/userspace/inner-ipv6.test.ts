/** IPv6 inside the tunnel, told by whole daemons of both sides on this host. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { before, describe, it } from 'mocha';
import { ask, isObject, SOCKET_NAME } from '../../../src/control/index.js';
import {
  answersPing,
  barrier,
  rawSender,
  start,
  startCapture,
  startPing,
  suiteScope,
  udpSocket,
  waitUntil,
  type Namespace,
  type Scope,
} from '../../lab/support/index.js';
import { checksumErrors, transfer } from '../../lab/support/transfer.js';
import {
  authPacketWithNibble,
  CLIENT_INNER,
  natTunnel,
  PORT,
  SERVER_INNER,
  stateDir,
  type NatTunnel,
} from '../../lab/support/tunnel.js';
import { NAT_OUTER, SERVER_OUTER, STRANGER_OUTER } from '../../lab/support/wan.js';
import { SUITE_TIMEOUT_MS } from '../../lab/support/suites/plane.js';
import { needsRoot } from '../../support/skip.js';
import { needsBuild } from '../../support/built.js';
import { ipv6 } from './support/inner-packet.js';

const DATAGRAMS = fileURLToPath(new URL('support/datagrams.mjs', import.meta.url));
const SERVER_INNER6 = 'fd00:5::1';
const CLIENT_INNER6 = 'fd00:5::2';
/** Behind the client, as its server routes them into the tunnel. */
const BEHIND_CLIENT = '10.77.0.0/16';
const BEHIND_CLIENT6 = '2001:db8:77::/48';
const ICMPV6 = 58;
const ECHO_REQUEST = 128;

const BYTES = Number(process.env['TRANSFER_BYTES'] ?? 10_000_000);
const SIGNED_PACKETS = 40;
const PING_HEADERS = 48;
/** UDP payloads that are IPv6 packets from a link-local source or none, or to a group or a link-local destination. */
const FOR_NEIGHBOURS = [
  `udp port ${PORT} and udp[8] & 0xf0 = 0x60`,
  '(udp[16:2] & 0xffc0 = 0xfe80 or udp[32:2] & 0xffc0 = 0xfe80 or udp[32] = 0xff or (udp[16:4] = 0 and udp[28:4] = 0))',
].join(' and ');

interface Ipv6Tunnel {
  readonly tunnel: NatTunnel;
  readonly controlDir: string;
}

/** The server's side, or both, with IPv6; its networks are behind the client. */
async function ipv6Tunnel(
  scope: Scope,
  ofClient: readonly string[] = ['--tunl-ip6', CLIENT_INNER6],
): Promise<Ipv6Tunnel> {
  const controlDir = stateDir(scope);
  const args = ['--data-plane', 'userspace'];
  const routes = [BEHIND_CLIENT, BEHIND_CLIENT6].flatMap((network) => ['--route', network]);
  const ofServer = ['--tunl-ip6', SERVER_INNER6, ...routes, '--control-dir', controlDir];
  const tunnel = await natTunnel(scope, { args: [...args, ...ofServer] }, { args: [...args, ...ofClient] });
  return { tunnel, controlDir };
}

/** An echo request (RFC 4443) as a tunnel's UDP payload; `length` is what its header says. */
function innerPing6(source: string, destination: string, length = 8): Buffer {
  const packet = ipv6(ICMPV6, Buffer.of(ECHO_REQUEST, 0, 0, 0, 0, 0, 0, 0), 2, { source, destination });
  packet.writeUInt16BE(length, 4);
  return packet;
}

/** How many of them the host took in (RFC 4293, icmpStatsInMsgs), by whatever device. */
async function echoRequests6(ns: Namespace): Promise<number> {
  const { stdout } = await ns.exec(['cat', '/proc/thread-self/net/snmp6']);
  return Number(/^Icmp6InEchos\s+(\d+)/m.exec(stdout)?.[1]);
}

/** How many packets the server has dropped without anybody deciding about them, of the reasons that match. */
async function dropped(controlDir: string, reason: RegExp): Promise<number> {
  const asked = await ask(join(controlDir, SOCKET_NAME), 'status');
  assert.ok(asked.kind === 'reply' && asked.reply.ok && isObject(asked.reply.result), JSON.stringify(asked));
  const { refused } = asked.reply.result;
  assert.ok(isObject(refused));
  const counts = Object.entries(refused).filter(([words]) => reason.test(words));
  return counts.reduce((sum, [, count]) => sum + Number(count), 0);
}

describe(`a tunnel that carries IPv6 as well`, function () {
  this.timeout(SUITE_TIMEOUT_MS);
  before(needsRoot);
  before(needsBuild);
  const scope = suiteScope();
  let tunnel: NatTunnel;
  let controlDir: string;

  before(async () => {
    ({ tunnel, controlDir } = await ipv6Tunnel(scope));
    await tunnel.net.client.ip('address add 10.77.1.1/32 dev lo', 'address add 2001:db8:77::1/128 dev lo nodad');
  });

  const ends = (): readonly (readonly [ns: Namespace, other: string])[] => [
    [tunnel.net.client, SERVER_INNER6],
    [tunnel.net.server, CLIENT_INNER6],
  ];
  const works = async (what: string): Promise<void> => {
    for (const [ns, to] of ends()) assert.ok(await answersPing(ns, to), `to ${to}, ${what}`);
    assert.ok(await answersPing(tunnel.net.client, SERVER_INNER), `IPv4, ${what}`);
  };
  const routesOf = async (family: '-4' | '-6'): Promise<string[]> => {
    const routes = await tunnel.net.server.ipJson(`${family} route show dev ipipou0`);
    // The kernel's own for what is assigned here is no way to anybody.
    return (routes as { dst: string }[])
      .map(({ dst }) => dst)
      .filter((to) => to !== SERVER_INNER6)
      .sort();
  };

  it('carries pings of both versions both ways, and none is lost', async () => {
    for (const [ns, to] of [...ends(), [tunnel.net.client, SERVER_INNER], [tunnel.net.server, CLIENT_INNER]] as const) {
      const { lost, unanswered, sent } = await startPing(scope, ns, to, { count: 20, intervalMs: 20 }).done();
      assert.deepEqual({ lost, unanswered, sent }, { lost: [], unanswered: 0, sent: 20 });
    }
  });

  it('has its addresses and no link-local one, and the networks behind the peer', async () => {
    const [link] = (await tunnel.net.server.ipJson('-6 address show dev ipipou0')) as [
      { addr_info: { local: string; address?: string; prefixlen: number }[] },
    ];
    assert.deepEqual(
      link.addr_info.map(({ local, address, prefixlen }) => [local, address, prefixlen]),
      [[SERVER_INNER6, CLIENT_INNER6, 128]],
    );
    assert.deepEqual(await routesOf('-4'), [BEHIND_CLIENT, CLIENT_INNER].sort());
    assert.deepEqual(await routesOf('-6'), [BEHIND_CLIENT6, CLIENT_INNER6].sort());
  });

  it('carries packets of every length up to its MTU, those as long as an auth packet among them', async () => {
    for (const [ns, to] of ends()) {
      for (const bytes of [PING_HEADERS, 72, 73, 74, 1279, 1280, 1471, 1472]) {
        const size = ['-M', 'do', '-s', String(bytes - PING_HEADERS)];
        assert.ok(await answersPing(ns, to, 10, size), `${bytes} bytes to ${to}`);
      }
      // In fragments inside the tunnel.
      assert.ok(await answersPing(ns, to, 10, ['-s', '8000']), `to ${to}`);
    }
  });

  it(`carries ${BYTES / 1e6} MB of TCP over IPv6 each way bit for bit, and no checksum is wrong`, async () => {
    const { server, client } = tunnel.net;
    const [one, other] = [
      { ns: server, address: SERVER_INNER6 },
      { ns: client, address: CLIENT_INNER6 },
    ];
    await transfer(scope, one, other, BYTES);
    await transfer(scope, other, one, BYTES);
    for (const ns of [server, client]) assert.deepEqual(await checksumErrors(ns), {});
  });

  it('hands TCP over IPv6 over in long packets, on both sides', async () => {
    const { server, client } = tunnel.net;
    const passed = async (ns: Namespace, way: 'rx' | 'tx'): Promise<{ bytes: number; packets: number }> => {
      const [link] = (await ns.ipJson('-s link show ipipou0')) as [{ stats64: Record<typeof way, typeof before> }];
      return link.stats64[way];
    };
    const [before, beforeThere] = [await passed(server, 'tx'), await passed(client, 'rx')];
    await transfer(scope, { ns: server, address: SERVER_INNER6 }, { ns: client, address: CLIENT_INNER6 }, BYTES);
    for (const [from, to] of [
      [before, await passed(server, 'tx')],
      [beforeThere, await passed(client, 'rx')],
    ] as const) {
      assert.ok((to.bytes - from.bytes) / (to.packets - from.packets) > 3 * 1472, JSON.stringify({ from, to }));
    }
  });

  it('carries UDP over IPv6 both ways, and no checksum is wrong', async () => {
    const { server, client } = tunnel.net;
    const run = (...args: readonly string[]): string[] => [process.execPath, DATAGRAMS, ...args];
    for (const [ns, other, address] of [
      [server, client, SERVER_INNER6],
      [client, server, CLIENT_INNER6],
    ] as const) {
      const echo = start(scope, ns, run('echo', address, '7007'));
      await echo.waitForLog(/serving/);
      // The last one in fragments inside the tunnel.
      const lengths = ['0', '1', '2', '25', '1424', '4000'];
      const { stdout } = await other.exec(run('ask', address, '7007', ...lengths));
      assert.equal(stdout.trim(), lengths.join(' '));
      await echo.kill('SIGKILL');
    }
    for (const ns of [server, client]) assert.deepEqual(await checksumErrors(ns), {});
  });

  it('sends nothing of what a kernel looks for neighbours with', async () => {
    const { server, client, stranger } = tunnel.net;
    const onWire = await startCapture(scope, server, 'wan', FOR_NEIGHBOURS);
    // What makes a kernel join groups and ask for routers, and a program that asks all neighbours.
    const since = tunnel.server.mark();
    await server.ip('link set ipipou0 down');
    await tunnel.server.waitForLog(/repaired: the device ipipou0 is down/, { since });
    for (const ns of [server, client]) {
      await ns.exec(['ping', '-n', '-c', '2', '-i', '0.2', '-W', '1', 'ff02::1%ipipou0'], { mayFail: true });
    }
    await works('after the device was down');
    assert.deepEqual(onWire.lines, []);
    // It would have been seen.
    const sender = rawSender(scope, stranger);
    const seen = [innerPing6('fe80::1', 'fd00:5::2'), innerPing6('fd00:5::2', 'ff02::1'), innerPing6('::', 'ff02::16')];
    for (const payload of seen) {
      sender.udp({ from: `${STRANGER_OUTER}:${PORT}`, to: `${SERVER_OUTER}:${PORT}`, payload });
    }
    await waitUntil(() => onWire.count === seen.length, { what: 'such packets on the wire' });
    await onWire.stop();
    assert.equal(await dropped(controlDir, /to send/), 0);
  });

  it('lets in neither a foreign source, nor a packet that lies about its length, nor a stranger, and counts them', async () => {
    await tunnel.moveTo(40_001);
    const sender = rawSender(scope, tunnel.net.stranger);
    const to = `${SERVER_OUTER}:${PORT}`;
    const from = `${NAT_OUTER}:40001`;
    const before = await echoRequests6(tunnel.net.server);
    const reasons = [/inner source/, /malformed/, /not bound/] as const;
    const droppedBefore = await Promise.all(reasons.map((reason) => dropped(controlDir, reason)));
    const foreign = ['fd00:5::3', SERVER_INNER6, '2001:db8:76:ffff::1', '2001:db8:78::', '::1', 'fe80::1', 'ff02::1'];
    for (const source of foreign) sender.udp({ from, to, payload: innerPing6(source, SERVER_INNER6) });
    for (const length of [0, 7, 9, 0xffff]) {
      sender.udp({ from, to, payload: innerPing6(CLIENT_INNER6, SERVER_INNER6, length) });
    }
    sender.udp({ from: `${STRANGER_OUTER}:40001`, to, payload: innerPing6(CLIENT_INNER6, SERVER_INNER6) });
    // Those that may enter come behind all of them.
    for (const source of [CLIENT_INNER6, '2001:db8:77::9']) {
      sender.udp({ from, to, payload: innerPing6(source, SERVER_INNER6) });
    }
    const entered = async (): Promise<number> => (await echoRequests6(tunnel.net.server)) - before;
    await waitUntil(async () => (await entered()) >= 2, { what: 'the last packets' });
    assert.equal(await entered(), 2);
    const counted = await Promise.all(reasons.map((reason) => dropped(controlDir, reason)));
    assert.deepEqual(
      counted.map((count, index) => count - droppedBefore[index]!),
      [foreign.length, 4, 1],
    );
  });

  it('carries what comes from the networks behind the peer, of both versions', async () => {
    const { server, client } = tunnel.net;
    for (const [from, to] of [
      ['10.77.1.1', SERVER_INNER],
      ['2001:db8:77::1', SERVER_INNER6],
    ] as const) {
      assert.ok(await answersPing(client, to, 10, ['-I', from]), `from ${from}`);
      assert.ok(await answersPing(server, from, 10), `to ${from}`);
    }
  });

  for (const [name, commands, lines] of [
    ['the device is deleted', ['link delete ipipou0'], [/repaired: the device ipipou0 is gone/]],
    [
      'its IPv6 address is deleted',
      ['-6 address flush dev ipipou0'],
      [/repaired: the device ipipou0 has lost its address fd00:5::1/],
    ],
    [
      'its IPv6 routes are deleted',
      [`-6 route delete ${CLIENT_INNER6}/128 dev ipipou0`, `-6 route delete ${BEHIND_CLIENT6} dev ipipou0`],
      [/repaired: the route to fd00:5::2/, /repaired: .*the route to 2001:db8:77::\/48/],
    ],
    [
      'the IPv4 network behind the peer is deleted',
      [`route delete ${BEHIND_CLIENT} dev ipipou0`],
      [/repaired: the route to 10\.77\.0\.0\/16/],
    ],
    ['its MTU takes its IPv6 away', ['link set ipipou0 mtu 600'], [/repaired: .* an MTU of 600 instead of 1472/]],
  ] as const) {
    it(`goes on after ${name}`, async () => {
      const { server } = tunnel.net;
      const since = tunnel.server.mark();
      for (const command of commands) await server.exec(['ip', ...command.split(' ')]);
      for (const line of lines) await tunnel.server.waitForLog(line, { since });
      await works(name);
      for (const to of ['2001:db8:77::1', '10.77.1.1']) assert.ok(await answersPing(server, to), `${to}, ${name}`);
    });
  }

  it('follows to another port with both versions, and shuts the old endpoint out', async () => {
    await tunnel.moveTo(40_003);
    await works('after a move');
    const sender = rawSender(scope, tunnel.net.stranger);
    const to = `${SERVER_OUTER}:${PORT}`;
    const payload = innerPing6(CLIENT_INNER6, SERVER_INNER6);
    const before = await echoRequests6(tunnel.net.server);
    sender.udp({ from: `${NAT_OUTER}:40001`, to, payload });
    await barrier(tunnel.net.stranger, SERVER_OUTER);
    sender.udp({ from: `${NAT_OUTER}:40003`, to, payload });
    const entered = async (): Promise<number> => (await echoRequests6(tunnel.net.server)) - before;
    await waitUntil(async () => (await entered()) > 0, { what: 'the last packet' });
    assert.equal(await entered(), 1);
  });

  it('takes signed packets that begin like IPv6 for what they are, from bound endpoints and others', async () => {
    const sockets = [21_001, 21_002].map((port) => udpSocket(scope, tunnel.net.stranger, STRANGER_OUTER, port));
    let answers = 0;
    for (const socket of sockets) socket.on('message', () => (answers += 1));
    for (let sent = 0; sent < SIGNED_PACKETS; sent += 1) {
      // The first of two is from an unbound endpoint, and binds it.
      sockets[(sent >> 1) % sockets.length]!.send(authPacketWithNibble(tunnel.keys, 6), PORT, SERVER_OUTER);
      await waitUntil(() => answers > sent, { what: `answer ${sent + 1}`, timeoutMs: 5000, everyMs: 2 });
    }
  });
});

describe(`a peer without IPv6 of one that has it`, function () {
  this.timeout(SUITE_TIMEOUT_MS);
  before(needsRoot);
  before(needsBuild);
  const scope = suiteScope();
  let tunnel: NatTunnel;
  let controlDir: string;

  before(async () => {
    ({ tunnel, controlDir } = await ipv6Tunnel(scope, []));
  });

  it('goes on with IPv4, and takes nothing of IPv6 in', async () => {
    const { server, client } = tunnel.net;
    const before = await echoRequests6(client);
    assert.equal(await answersPing(server, CLIENT_INNER6, 1), false);
    assert.ok(await answersPing(server, CLIENT_INNER));
    assert.ok(await answersPing(client, SERVER_INNER));
    assert.equal(await echoRequests6(client), before);
    await transfer(scope, { ns: client, address: CLIENT_INNER }, { ns: server, address: SERVER_INNER }, BYTES / 5);
    const { stdout } = await client.exec(['ip', '-6', 'address', 'show', 'dev', 'ipipou0']);
    assert.equal(stdout, '');
    assert.equal(await dropped(controlDir, /malformed|inner source/), 0);
  });
});

describe(`a path that is too narrow for IPv6`, function () {
  this.timeout(SUITE_TIMEOUT_MS);
  before(needsRoot);
  before(needsBuild);
  const scope = suiteScope();
  let tunnel: NatTunnel;

  before(async () => {
    ({ tunnel } = await ipv6Tunnel(scope));
    await tunnel.net.router.ip(
      'route replace 10.9.2.0/24 dev wan mtu 1280',
      'route replace 10.9.1.0/24 dev lan mtu 1280',
    );
  });

  for (const [name, from, to] of [
    ['from the client', 'client', SERVER_INNER6],
    ['from the server', 'server', CLIENT_INNER6],
  ] as const) {
    it(`carries what every IPv6 path has to, ${name}`, async () => {
      // The first may be lost for what the path tells.
      const size = ['-M', 'do', '-s', String(1280 - PING_HEADERS)];
      assert.ok(await answersPing(tunnel.net[from], to, undefined, size));
      const { lost, unanswered } = await startPing(scope, tunnel.net[from], to, {
        count: 10,
        intervalMs: 20,
        extra: size,
      }).done();
      assert.deepEqual({ lost, unanswered }, { lost: [], unanswered: 0 });
    });
  }

  it(`carries ${BYTES / 1e6} MB each way bit for bit, of both versions`, async () => {
    const { server, client } = tunnel.net;
    for (const [ofServer, ofClient] of [
      [SERVER_INNER6, CLIENT_INNER6],
      [SERVER_INNER, CLIENT_INNER],
    ] as const) {
      await transfer(scope, { ns: server, address: ofServer }, { ns: client, address: ofClient }, BYTES);
      await transfer(scope, { ns: client, address: ofClient }, { ns: server, address: ofServer }, BYTES);
    }
    for (const ns of [server, client]) assert.deepEqual(await checksumErrors(ns), {});
  });

  it('has the MTU that IPv6 asks for, and its own again where the path gets wider', async () => {
    const { server, router } = tunnel.net;
    const mtu = async (): Promise<number | undefined> =>
      ((await server.ipJson('link show ipipou0')) as { mtu: number }[])[0]?.mtu;
    assert.equal(await mtu(), 1280);
    await router.ip('route replace 10.9.2.0/24 dev wan', 'route replace 10.9.1.0/24 dev lan');
    // What was learnt is forgotten.
    await server.ip('route flush cache', 'link set wan mtu 1499', 'link set wan mtu 1500');
    await waitUntil(async () => (await mtu()) === 1472, { what: 'the wider MTU' });
    const cut = await startCapture(scope, server, 'wan', 'outbound and ip and ip[6:2] & 0x7fff != 0x4000');
    await transfer(
      scope,
      { ns: server, address: SERVER_INNER6 },
      { ns: tunnel.net.client, address: CLIENT_INNER6 },
      BYTES / 5,
    );
    assert.equal(await cut.stop(), 0);
  });
});
