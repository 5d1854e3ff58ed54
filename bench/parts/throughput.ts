/** How fast the same traffic goes through a cable, through a bare tunnel, through ours, and through WireGuard. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { answersPing, exec, pairTopology, Scope, startDaemon, type Namespace } from '../../test/lab/support/index.js';
import { clientArgs, makeKeys, serverArgs, stateDir } from '../../test/lab/support/tunnel.js';
import { serve, tcpMbits, udpReceived, type Road } from '../iperf.js';
import type { Figure } from '../report.js';
import { inTurns, rows } from '../statistics.js';

const TURNS = 11;
const SECONDS = 2;
const WARM_UP_SECONDS = 1;
const PORT = 10_000;
const INNER_CLIENT = '172.28.0.1';
const INNER_SERVER = '172.28.0.0';

const KINDS = ['no tunnel', 'bare FOU', 'ours', 'bare FOU, conntrack', 'ours, conntrack', 'WireGuard'] as const;
type Kind = (typeof KINDS)[number];

const AGAINST = {
  ours: 'bare FOU',
  'ours, conntrack': 'bare FOU, conntrack',
  WireGuard: 'bare FOU',
} as const satisfies Partial<Record<Kind, Kind>>;

/** What a host's usual firewall does to connection tracking: it is switched on. */
const FIREWALL = `
  table inet firewall {
    chain input { type filter hook input priority filter; ct state established,related accept; accept; }
    chain output { type filter hook output priority filter; ct state established,related accept; accept; }
  }`;

export async function throughput(): Promise<Figure[]> {
  // Ours would load it; `ip fou` does not.
  await exec(['modprobe', 'fou']);
  const scope = new Scope();
  try {
    const roads = new Map<Kind, Road>();
    for (const kind of KINDS) roads.set(kind, await build(scope, kind));
    const road = (kind: Kind): Road => {
      const found = roads.get(kind);
      if (found === undefined) throw new Error(`no road ${kind}`);
      return found;
    };
    for (const kind of KINDS) await tcpMbits(road(kind), WARM_UP_SECONDS);
    const tcp = await inTurns(KINDS, TURNS, async (kind) => [await tcpMbits(road(kind), SECONDS)]);
    const udp = await inTurns(KINDS, TURNS, async (kind) => [(await udpReceived(road(kind), SECONDS, 64)).kpps]);
    const note = 'WireGuard encrypts, the others do not; on an emulated processor its cipher is emulated too.';
    return [
      { title: 'TCP, one stream', unit: 'Mbit/s', better: 'higher', rows: rows(tcp, AGAINST), note },
      { title: '64-byte UDP, as received', unit: 'kpps', better: 'higher', rows: rows(udp, AGAINST), note },
    ];
  } finally {
    await scope.close();
  }
}

async function build(scope: Scope, kind: Kind): Promise<Road> {
  const { a: from, b: to } = await pairTopology(scope);
  if (kind.endsWith('conntrack')) for (const ns of [from, to]) await ns.nft(FIREWALL);
  switch (kind) {
    case 'no tunnel':
      await serve(scope, to);
      return { from, to, address: '10.9.3.2' };
    case 'bare FOU':
    case 'bare FOU, conntrack':
      await bareFou(from, '10.9.3.1', '10.9.3.2', INNER_CLIENT, INNER_SERVER);
      await bareFou(to, '10.9.3.2', '10.9.3.1', INNER_SERVER, INNER_CLIENT);
      break;
    case 'ours':
    case 'ours, conntrack':
      await ours(scope, from, to);
      break;
    case 'WireGuard':
      await wireGuard(scope, from, to);
      break;
  }
  if (!(await answersPing(from, INNER_SERVER))) throw new Error(`${kind}: nothing comes through`);
  await serve(scope, to);
  return { from, to, address: INNER_SERVER };
}

async function bareFou(ns: Namespace, local: string, remote: string, inner: string, peer: string): Promise<void> {
  await ns.ip(
    `fou add port ${PORT} ipproto 4`,
    `link add t0 mtu 1472 type ipip local ${local} remote ${remote} ttl inherit encap fou encap-sport ${PORT} encap-dport ${PORT}`,
    `addr add ${inner} peer ${peer} dev t0`,
    'link set t0 up',
  );
}

async function ours(scope: Scope, from: Namespace, to: Namespace): Promise<void> {
  const keys = makeKeys();
  const state = (): string[] => ['--state-dir', stateDir(scope)];
  const server = startDaemon(scope, to, serverArgs(keys, '--reply-on-auth-ok', '-b', '@eth', ...state()));
  const client = startDaemon(scope, from, clientArgs(keys, `10.9.3.2:${PORT}`, ...state()));
  await server.waitForLog(/client authenticated/);
  await client.waitForLog(/the server answered/);
}

async function wireGuard(scope: Scope, from: Namespace, to: Namespace): Promise<void> {
  const key = async (ns: Namespace): Promise<{ own: string; shown: string }> => {
    const own = (await ns.exec(['wg', 'genkey'])).stdout;
    return { own, shown: (await ns.exec(['wg', 'pubkey'], { input: own })).stdout.trim() };
  };
  const [one, other] = [await key(from), await key(to)];
  const sides = [
    { ns: from, own: one.own, peer: other.shown, at: '10.9.3.2', inner: INNER_CLIENT, across: INNER_SERVER },
    { ns: to, own: other.own, peer: one.shown, at: '10.9.3.1', inner: INNER_SERVER, across: INNER_CLIENT },
  ];
  for (const { ns, own, peer, at, inner, across } of sides) {
    await ns.ip('link add t0 type wireguard');
    const file = join(stateDir(scope), 'key');
    writeFileSync(file, own, { mode: 0o600 });
    const settings = ['listen-port', String(PORT), 'private-key', file, 'peer', peer];
    const remote = ['endpoint', `${at}:${PORT}`, 'allowed-ips', `${across}/32`];
    await ns.exec(['wg', 'set', 't0', ...settings, ...remote]);
    await ns.ip(`addr add ${inner} peer ${across} dev t0`, 'link set t0 up');
  }
}
