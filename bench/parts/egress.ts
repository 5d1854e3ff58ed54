/**
 * What choosing the address costs: hosts in a row, of which the middle one forwards, with the rules of one mode or another.
 * What would come out of a tunnel comes out of a cable, so that the rules alone are measured.
 *
 *     inner 172.28.0.1 ── tun0 [ server ] eth0 10.9.0.1 ── 10.9.0.2 far, whose way back is the server
 */
import { randomBytes } from 'node:crypto';
import { EgressTable } from '../../src/egress/nftables/table.js';
import { parseAddress } from '../../src/egress/address.js';
import { drawAddress } from '../../src/egress/draw.js';
import type { HeldAddress } from '../../src/egress/nftables/ruleset.js';
import type { TunnelEgress } from '../../src/egress/nftables/tunnel-egress.js';
import { parsePolicy } from '../../src/egress/policy-text.js';
import { answersPing, exec, Scope, start, type Namespace } from '../../test/lab/support/index.js';
import { inside } from '../../test/lab/support/inside.js';
import { namespaces, veths } from '../../test/lab/support/namespace.js';
import { receivedPackets } from '../../test/lab/support/tunnel.js';
import { serve, tcpMbits, type Road } from '../iperf.js';
import type { Figure } from '../report.js';
import { inTurns, rows } from '../statistics.js';

const TURNS = 7;
const SECONDS = 1;
const FAR = '10.9.0.2';
const ACCEPT_PORT = 7000;
const PACKETS = 30_000;
const TUNNELS = 1000;
const DEVICE = 'tun0';

/** A TCP connection can't be had from ever other addresses. */
const CONNECTED = [
  'no mapping',
  'masquerade',
  'ours, per=connection',
  'ours, per=tunnel',
  'ours, 1,000 tunnels',
] as const;
/** Of iptables-mod-randmap, where whoever runs the bench has built it for the kernel that it runs on. */
const MODULE = 'RANDMAP module';
const MODES = [...CONNECTED, 'ours, per=packet', MODULE] as const;
type Mode = (typeof MODES)[number];

const POLICIES: Partial<Record<Mode, string>> = {
  'ours, per=connection': 'rotate addresses=198.51.100.0/24 per=connection',
  'ours, per=tunnel': 'rotate addresses=198.51.100.0/24 per=tunnel',
  'ours, per=packet': 'rotate addresses=198.51.100.0/24 per=packet',
  'ours, 1,000 tunnels': 'rotate addresses=198.51.100.0/24 per=connection',
};

const AGAINST = {
  'ours, per=connection': 'masquerade',
  'ours, per=tunnel': 'masquerade',
  'ours, per=packet': 'no mapping',
  [MODULE]: 'no mapping',
  'ours, 1,000 tunnels': 'ours, per=connection',
} as const satisfies Partial<Record<Mode, Mode>>;

/** Connects, again and again, for so long; prints how many times a second. */
const CONNECT = `
import socket, sys, time
end = time.monotonic() + float(sys.argv[3]); count = 0
while time.monotonic() < end:
    socket.create_connection((sys.argv[1], int(sys.argv[2]))).close(); count += 1
print(count / float(sys.argv[3]))
`;
const ACCEPT = `
import socket
listener = socket.create_server(('', ${ACCEPT_PORT}), backlog=1000)
print('up', flush=True)
while True: listener.accept()[0].close()
`;

export async function egress(): Promise<Figure[]> {
  const hasModule = (await exec(['modprobe', 'ipt_RANDMAP'], { mayFail: true })).code === 0;
  const scope = new Scope();
  try {
    const modes = MODES.filter((mode) => mode !== MODULE || hasModule);
    const roads = new Map<Mode, Road>();
    let installMs = NaN;
    for (const mode of modes) {
      const { road, tookMs } = await build(scope, mode);
      roads.set(mode, road);
      if (mode === 'ours, 1,000 tunnels') installMs = tookMs;
    }
    const at = (mode: Mode): Road => {
      const found = roads.get(mode);
      if (found === undefined) throw new Error(`no road ${mode}`);
      return found;
    };
    const connections = await inTurns(CONNECTED, TURNS, async (mode) => [await connectionsPerSecond(at(mode))]);
    const tcp = await inTurns(CONNECTED, TURNS, async (mode) => [await tcpMbits(at(mode), SECONDS)]);
    const udp = await inTurns(modes, TURNS, async (mode) => [await packetsThrough(at(mode))]);
    return [
      { title: 'Egress: new connections', unit: '/s', better: 'higher', rows: rows(connections, AGAINST) },
      { title: 'Egress: TCP, one stream', unit: 'Mbit/s', better: 'higher', rows: rows(tcp, AGAINST) },
      {
        title: 'Egress: small UDP packets of one flow, as received',
        unit: 'kpps',
        better: 'higher',
        rows: rows(udp, AGAINST),
        note: `Sent by the kernel itself (pktgen).${hasModule ? '' : ' Without the RANDMAP module, which is not there.'}`,
      },
      {
        title: `Egress: rules of ${TUNNELS.toLocaleString('en')} tunnels made`,
        unit: 'ms',
        better: 'lower',
        rows: rows(new Map([['ours', [installMs]]])),
      },
    ];
  } finally {
    await scope.close();
  }
}

async function build(scope: Scope, mode: Mode): Promise<{ readonly road: Road; readonly tookMs: number }> {
  const [inner, server, far] = await namespaces(scope, 'inner', 'server', 'far');
  await veths(
    [
      { ns: inner, device: 'eth', address: '172.28.0.1/31' },
      { ns: server, device: DEVICE, address: '172.28.0.0/31' },
    ],
    [
      { ns: server, device: 'eth0', address: '10.9.0.1/24' },
      { ns: far, device: 'eth', address: `${FAR}/24` },
    ],
  );
  await inner.ip('route add default via 172.28.0.0');
  await far.ip('route add default via 10.9.0.1');
  await server.sysctl({ 'net.ipv4.ip_forward': 1 });
  const tookMs = await map(scope, server, mode);
  if (!(await answersPing(inner, FAR))) throw new Error(`${mode}: nothing comes through`);
  await serve(scope, far);
  await start(scope, far, ['python3', '-c', ACCEPT]).waitForLog(/up/);
  return { road: { from: inner, to: far, address: FAR }, tookMs };
}

/** Resolves with the time that the rules took, in ms. */
async function map(scope: Scope, server: Namespace, mode: Mode): Promise<number> {
  if (mode === 'no mapping') return 0;
  if (mode === 'masquerade') {
    await server.nft(`
      table ip nat {
        chain out { type nat hook postrouting priority srcnat; oifname "eth0" masquerade; }
      }`);
    return 0;
  }
  if (mode === MODULE) {
    const mangle = ['iptables', '-t', 'mangle', '-A'];
    await server.exec([...mangle, ...'POSTROUTING -o eth0 -j RANDMAP --src-pfx 198.51.100.0/24'.split(' ')]);
    await server.exec([...mangle, ...'PREROUTING -d 198.51.100.0/24 -j RANDMAP --dst-pfx 172.28.0.1/32'.split(' ')]);
    return 0;
  }
  const table = inside(server, () => EgressTable.open({ name: 'egress', comment: 'bench' }));
  scope.defer(() => {
    table.close();
    return undefined;
  });
  const own = tunnel(DEVICE, POLICIES[mode] ?? '');
  const others =
    mode === 'ours, 1,000 tunnels' ? Array.from({ length: TUNNELS - 1 }, (_, index) => stranger(index)) : [];
  const tunnels = [own, ...others];
  const started = performance.now();
  await table.install({ tunnels, held: tunnels.flatMap(heldOf), unusable: { banned: [], own: [] } });
  return performance.now() - started;
}

const stranger = (index: number): TunnelEgress =>
  tunnel(`t${index}`, `rotate addresses=10.${(index >> 8) + 100}.${index & 255}.0/24 per=tunnel`);

function tunnel(device: string, text: string): TunnelEgress {
  const parsed = parsePolicy(text, () => true);
  if (!parsed.ok) throw new Error(`${text}: ${parsed.problem}`);
  const ip = parseAddress('172.28.0.1');
  return { device, policies: [parsed.value.policy], inner: ip === undefined ? {} : { ip } };
}

const heldOf = ({ device, policies }: TunnelEgress): HeldAddress[] =>
  policies.flatMap(({ action }, index) => {
    if (action.mode !== 'rotate' || action.per !== 'tunnel') return [];
    const address = drawAddress(action.pool, 'ip', randomBytes);
    return address === undefined ? [] : [{ device, index, address }];
  });

async function connectionsPerSecond({ from, address }: Road): Promise<number> {
  const { stdout } = await from.exec(['python3', '-c', CONNECT, address, String(ACCEPT_PORT), String(SECONDS)]);
  return Number(stdout);
}

/** In thousands a second. */
async function packetsThrough({ from, to, address }: Road): Promise<number> {
  const [route] = (await from.ipJson('neigh show 172.28.0.0')) as { readonly lladdr: string }[];
  const settings = [
    ...[`count ${PACKETS}`, 'pkt_size 60', 'delay 0', `dst ${address}`, `dst_mac ${route?.lladdr ?? ''}`],
    ...['src_min 172.28.0.1', 'src_max 172.28.0.1', 'udp_src_min 4000', 'udp_src_max 4000'],
    ...['udp_dst_min 4001', 'udp_dst_max 4001'],
  ];
  const script = [
    'cd /proc/net/pktgen',
    'echo rem_device_all > kpktgend_0',
    'echo add_device eth > kpktgend_0',
    ...settings.map((setting) => `echo ${setting} > eth`),
    'echo start > pgctrl',
  ];
  await exec(['modprobe', 'pktgen']);
  const before = await receivedPackets(to, 'eth');
  const started = performance.now();
  await from.exec(['sh', '-ec', script.join('\n')]);
  const took = performance.now() - started;
  return ((await receivedPackets(to, 'eth')) - before) / took;
}
