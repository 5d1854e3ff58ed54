/**
 * The same two hosts joined by one tunnel or another, none of which encrypts: ours, the same loop without what the kernel
 * helps it with, and Debian's own.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { PlaneOrder } from '../../../test/dataplane/userspace/support/plane-process.js';
import {
  answersPing,
  start,
  startDaemon,
  waitUntil,
  type Namespace,
  type Running,
  type Scope,
} from '../../../test/lab/support/index.js';
import { clientArgs, makeKeys, serverArgs, stateDir } from '../../../test/lab/support/tunnel.js';

export const KINDS = ['no tunnel', 'ours', 'simple loop', 'openvpn', 'fastd', 'tinc', 'socat'] as const;
export type Kind = (typeof KINDS)[number];

/** What Debian calls the others, by their commands. */
export const PACKAGES = { openvpn: 'openvpn', fastd: 'fastd', tincd: 'tinc', socat: 'socat' } as const;

export const INNER = { a: '172.28.0.0', b: '172.28.0.1' } as const;
export const OUTER = { a: '10.9.3.1', b: '10.9.3.2' } as const;
const PORT = 10_000;
const DEVICE = 't0';
const MTU = 1472;

type Side = 'a' | 'b';
const SIDES: readonly Side[] = ['a', 'b'];
const otherOf = (side: Side): Side => (side === 'a' ? 'b' : 'a');

export interface Hosts {
  readonly a: Namespace;
  readonly b: Namespace;
}

const ROOT = fileURLToPath(import.meta.url).replace(/\/build\/bench\/.*$|\/bench\/.*$/, '');

/** Runs a program from its source: the packet loop is looked for from there. */
const TYPESCRIPT = [process.execPath, '--import', join(ROOT, 'node_modules', 'tsx', 'dist', 'loader.mjs')];

/** Joins the hosts; resolves with the processes that carry the tunnel, once it carries. */
export async function bringUp(scope: Scope, hosts: Hosts, kind: Kind): Promise<readonly Running[]> {
  const running = await UP[kind](scope, hosts);
  const to = kind === 'no tunnel' ? OUTER.b : INNER.b;
  await waitUntil(() => answersPing(hosts.a, to, 1), { what: `${kind}: anything that comes through` });
  return running;
}

const UP: Readonly<Record<Kind, (scope: Scope, hosts: Hosts) => Promise<readonly Running[]>>> = {
  'no tunnel': () => Promise.resolve([]),
  ours,
  'simple loop': simpleLoop,
  openvpn,
  fastd,
  tinc,
  socat,
};

async function ours(scope: Scope, { a, b }: Hosts): Promise<Running[]> {
  const keys = makeKeys();
  const own = (): string[] => {
    const folder = stateDir(scope);
    return ['--state-dir', folder, '--control-dir', folder, '--data-plane', 'userspace'];
  };
  const client = startDaemon(scope, b, clientArgs(keys, `${OUTER.a}:${PORT}`, ...own()));
  const server = startDaemon(scope, a, serverArgs(keys, '--reply-on-auth-ok', '-b', '@eth', ...own()));
  await client.waitForLog(/the server answered/);
  return [server, client];
}

async function simpleLoop(scope: Scope, hosts: Hosts): Promise<Running[]> {
  const program = join(ROOT, 'test', 'dataplane', 'userspace', 'support', 'plane-process.ts');
  const planes = SIDES.map((side) => {
    const order: PlaneOrder = {
      settings: {
        number: 0,
        queueLength: 24,
        outer: { port: PORT, device: 'eth' },
        schemes: [{ kind: 'ed25519' }],
        kernel: { table: 'ipipou-0', queueNumber: 0 },
        tunnel: {
          peer: 'peer',
          device: DEVICE,
          address: INNER[side],
          peerAddress: INNER[otherOf(side)],
          lifetimeSeconds: 0,
        },
        without: ['tunHeader', 'segmentation', 'coalescing'],
      },
      peer: { address: OUTER[otherOf(side)], port: PORT },
    };
    return start(scope, hosts[side], [...TYPESCRIPT, program, JSON.stringify(order)]);
  });
  for (const plane of planes) await plane.waitForLog(/carrying/);
  return planes;
}

/** A process that starts and stops the plane so many times, and tells what it has then. */
export const loopOfStarts = (scope: Scope, ns: Namespace, times: number): Running =>
  start(scope, ns, [
    ...TYPESCRIPT,
    join(ROOT, 'test', 'dataplane', 'userspace', 'support', 'starts-process.ts'),
    String(times),
  ]);

async function openvpn(scope: Scope, hosts: Hosts): Promise<Running[]> {
  const all = SIDES.map((side) => {
    const other = otherOf(side);
    return start(scope, hosts[side], [
      ...[
        'openvpn',
        '--dev',
        DEVICE,
        '--dev-type',
        'tun',
        '--proto',
        'udp',
        '--local',
        OUTER[side],
        '--remote',
        OUTER[other],
      ],
      ...['--port', String(PORT), '--ifconfig', INNER[side], INNER[other], '--cipher', 'none', '--auth', 'none'],
      ...['--tun-mtu', String(MTU), '--txqueuelen', '1000', '--verb', '1', '--suppress-timestamps'],
    ]);
  });
  for (const one of all) await one.waitForLog(/Initialization Sequence Completed|Peer Connection Initiated/);
  return all;
}

async function fastd(scope: Scope, hosts: Hosts): Promise<Running[]> {
  const keys = await Promise.all(
    SIDES.map(async (side) => {
      const { stdout } = await hosts[side].exec(['fastd', '--generate-key', '--machine-readable']);
      const secret = stdout.trim();
      const shown = await hosts[side].exec(['fastd', '--show-key', '--machine-readable', '--config', '-'], {
        input: `secret "${secret}";\n`,
      });
      return { secret, key: shown.stdout.trim() };
    }),
  );
  const all = SIDES.map((side, index) => {
    const folder = stateDir(scope);
    const peer = keys[1 - index]?.key ?? '';
    const config = [
      `mode tun; interface "${DEVICE}"; mtu ${MTU}; method "null"; log level info;`,
      `bind ${OUTER[side]}:${PORT}; secret "${keys[index]?.secret ?? ''}";`,
      `peer "other" { key "${peer}"; remote ${OUTER[otherOf(side)]}:${PORT}; }`,
      `on up "ip addr add ${INNER[side]} peer ${INNER[otherOf(side)]} dev ${DEVICE}; ip link set ${DEVICE} up";`,
    ].join('\n');
    writeFileSync(join(folder, 'fastd.conf'), `${config}\n`);
    return start(scope, hosts[side], ['fastd', '--config', join(folder, 'fastd.conf')]);
  });
  for (const one of all) await one.waitForLog(/connection with <other> established/);
  return all;
}

async function tinc(scope: Scope, hosts: Hosts): Promise<Running[]> {
  const folder = { a: stateDir(scope), b: stateDir(scope) };
  for (const side of SIDES) {
    const own = folder[side];
    await hosts[side].exec(['mkdir', join(own, 'hosts')]);
    const main = `Name = ${side}\nInterface = ${DEVICE}\nAddressFamily = ipv4\n${side === 'a' ? 'ConnectTo = b\n' : ''}`;
    writeFileSync(join(own, 'tinc.conf'), main);
    const host = [
      `Address = ${OUTER[side]}`,
      `Port = ${PORT}`,
      `Subnet = ${INNER[side]}/32`,
      'Cipher = none',
      'Digest = none',
      'MACLength = 0',
      'Compression = 0',
      `PMTU = ${MTU}`,
    ];
    writeFileSync(join(own, 'hosts', side), `${host.join('\n')}\n`);
    const up = `#!/bin/sh\nip link set ${DEVICE} up mtu ${MTU}\nip addr add ${INNER[side]} peer ${INNER[otherOf(side)]} dev ${DEVICE}\n`;
    writeFileSync(join(own, 'tinc-up'), up, { mode: 0o755 });
    await hosts[side].exec(['tincd', '-c', own, '-K', '2048'], { input: '\n\n\n\n' });
  }
  for (const side of SIDES)
    await hosts[side].exec(['cp', join(folder[side], 'hosts', side), join(folder[otherOf(side)], 'hosts')]);
  const all: Running[] = [];
  // The one that connects comes last: it tries again only after seconds.
  for (const side of ['b', 'a'] as const) {
    const one = start(scope, hosts[side], [
      'tincd',
      '-c',
      folder[side],
      '-D',
      '-d1',
      '--pidfile',
      join(folder[side], 'pid'),
    ]);
    await one.waitForLog(/Ready/);
    all.push(one);
  }
  for (const one of all) await one.waitForLog(/Connection with . .* activated/);
  return all;
}

function socat(scope: Scope, hosts: Hosts): Promise<Running[]> {
  const all = SIDES.map((side) =>
    start(scope, hosts[side], [
      'socat',
      `UDP4-DATAGRAM:${OUTER[otherOf(side)]}:${PORT},bind=${OUTER[side]}:${PORT}`,
      `TUN:${INNER[side]}/31,tun-name=${DEVICE},iff-no-pi,iff-up`,
    ]),
  );
  return Promise.resolve(all);
}
