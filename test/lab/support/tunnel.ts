import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { randomBytes } from 'node:crypto';
import { generateKeyPair, loadGuards, signPacket, type KeyPair } from '../../../src/auth/index.js';
import { signLike } from './chosen-signature.js';
import { checksum } from './ipv4.js';
import { startDaemon } from './daemon.js';
import type { Namespace } from './namespace.js';
import type { Running } from './running.js';
import type { Scope } from './scope.js';
import { makeNatRouter } from './topology.js';
import { waitUntil } from './wait.js';
import { SERVER_OUTER, wanTopology, type WanTopology } from './wan.js';

/** A key pair with its halves as the options take them. */
export interface Keys {
  readonly pair: KeyPair;
  readonly privateB64: string;
  readonly publicB64: string;
}

export function makeKeys(): Keys {
  const seed = randomBytes(32);
  const pair = generateKeyPair(seed);
  return {
    pair,
    privateB64: seed.toString('base64'),
    publicB64: Buffer.from(pair.publicKey.raw).toString('base64'),
  };
}

export const SECRET = 'open sesame';
export const SERVER_INNER = '172.28.0.0';
export const CLIENT_INNER = '172.28.0.1';
export const PORT = 10_000;

/** A folder for state files that goes with the scope. */
export function stateDir(scope: Scope): string {
  const folder = mkdtempSync(join(tmpdir(), 'ipipou-ts-state-'));
  scope.defer(() => {
    rmSync(folder, { recursive: true });
    return undefined;
  });
  return folder;
}

/** Server arguments for one signing client, without the state folder. */
export const serverArgs = (keys: Keys, ...more: string[]): string[] => [
  ...['-s', '-vvv', '--no-log-pid', '--auth-secret', SECRET, '--auth-remote-pubkey-b64', keys.publicB64, ...more],
];

export const clientArgs = (keys: Keys, server: string, ...more: string[]): string[] => [
  ...['-c', '-vvv', '--no-log-pid', '--auth-secret', SECRET, '--auth-key-b64', keys.privateB64, '-r', server, ...more],
];

interface ServerSettings {
  readonly state?: string;
  readonly local?: string;
  readonly args?: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
}

/** Starts a server on its device (by default that of the WAN topology) and waits until it takes auth packets. */
export async function startServer(
  scope: Scope,
  ns: Namespace,
  keys: Keys,
  { state = stateDir(scope), local = '@wan', args = [], env = {} }: ServerSettings = {},
): Promise<Running> {
  const always = serverArgs(keys, '--reply-on-auth-ok', '--state-dir', state, '-b', local);
  const server = startDaemon(scope, ns, [...always, ...args], env);
  await server.waitForLog(/server ready/);
  return server;
}

/** Starts a client and waits until the server has answered it. */
export async function startClient(
  scope: Scope,
  ns: Namespace,
  keys: Keys,
  server: string,
  {
    state = stateDir(scope),
    args = [],
    env = {},
  }: { state?: string; args?: readonly string[]; env?: NodeJS.ProcessEnv } = {},
): Promise<Running> {
  const client = startDaemon(scope, ns, [...clientArgs(keys, server, '--state-dir', state), ...args], env);
  await client.waitForLog(/the server answered/);
  return client;
}

/** A tunnel from behind a NAT router, up. */
export class NatTunnel {
  readonly net: WanTopology;
  readonly keys: Keys;
  readonly client: Running;
  /** The last one started. */
  server: Running;
  private readonly scope: Scope;
  private readonly serverSettings: ServerSettings;

  constructor(
    scope: Scope,
    net: WanTopology,
    keys: Keys,
    serverSettings: ServerSettings,
    daemons: { readonly server: Running; readonly client: Running },
  ) {
    this.scope = scope;
    this.net = net;
    this.keys = keys;
    this.serverSettings = serverSettings;
    this.server = daemons.server;
    this.client = daemons.client;
  }

  /** Waits until the server's state file refuses packets signed at `time` and before (Unix seconds). */
  async remembers(time: number): Promise<void> {
    const { state = '' } = this.serverSettings;
    const isWritten = async (): Promise<boolean> => {
      const [name = ''] = readdirSync(state).filter((entry) => entry.endsWith('.json'));
      const { guards } = await loadGuards(join(state, name), time);
      return [...guards.values()].some(({ run }) => run.to >= time);
    };
    await waitUntil(isWritten, { what: `the state file with the time ${time}` });
  }

  /** Has the client be seen at another port of the router, and waits until the server has answered it there. */
  async moveTo(port: number): Promise<void> {
    const since = this.client.mark();
    await makeNatRouter(this.net.router, 'wan', port);
    this.client.signal('SIGUSR1');
    await this.client.waitForLog(/the server answered/, { since });
  }

  /** Starts the server with the same settings and state, after it was killed. */
  async startServerAgain(): Promise<Running> {
    this.server = await startServer(this.scope, this.net.server, this.keys, this.serverSettings);
    return this.server;
  }
}

export async function natTunnel(
  scope: Scope,
  server: { local?: string; args?: readonly string[] } = {},
  client: { args?: readonly string[] } = {},
): Promise<NatTunnel> {
  const net = await wanTopology(scope);
  const keys = makeKeys();
  const settings = { state: stateDir(scope), ...server };
  const [serverDaemon, clientDaemon] = await Promise.all([
    startServer(scope, net.server, keys, settings),
    startClient(scope, net.client, keys, `${SERVER_OUTER}:${PORT}`, client),
  ]);
  return new NatTunnel(scope, net, keys, settings, { server: serverDaemon, client: clientDaemon });
}

/** Sends until the log names the sender as refused: of each reason it names one in a second, and counts the others. */
export async function refusal(daemon: Running, from: string, send: () => void, reason = ''): Promise<void> {
  const since = daemon.mark();
  const said = new RegExp(`refused a packet from ${from.replaceAll('.', '\\.')}: ${reason}`);
  const sendAndLook = (): boolean => {
    send();
    return said.test(daemon.log.slice(since));
  };
  await waitUntil(sendAndLook, { what: `${String(said)} in the log of ${daemon.name}`, everyMs: 300 });
}

let salt = 0;

/** A signed auth packet as a client with these keys makes it, now or at another time (Unix seconds). */
export function authPacket(keys: Keys, time = Math.floor(Date.now() / 1000), secret = SECRET): Buffer {
  salt += 1;
  return signPacket(keys.pair, Buffer.from(secret), time, salt);
}

const models = new Map<string, Buffer>();

/** Like `authPacket`, with these first four bits. */
export function authPacketWithNibble(keys: Keys, nibble: number, time = Math.floor(Date.now() / 1000)): Buffer {
  const name = `${keys.publicB64} ${nibble}`;
  let model = models.get(name);
  while (model === undefined || model.readUInt8(0) >> 4 !== nibble) model = authPacket(keys, time);
  models.set(name, model);
  const { pair, privateB64 } = keys;
  const key = { seed: Buffer.from(privateB64, 'base64'), publicKey: pair.publicKey.raw, secret: Buffer.from(SECRET) };
  const packet = Buffer.alloc(model.length);
  packet.writeUIntBE(time, 64, 5);
  packet.writeUInt32BE((salt += 1), 69);
  return signLike(model, packet, key);
}

/** An inner ICMP echo request (RFC 792) as a tunnel's UDP payload. */
export function innerPing(from: string, to: string, id: number, sequence: number): Buffer {
  const packet = Buffer.alloc(28 + 8);
  packet.writeUInt8(0x45, 0);
  packet.writeUInt16BE(packet.length, 2);
  packet.writeUInt8(64, 8);
  packet.writeUInt8(1, 9);
  packet.set(from.split('.').map(Number), 12);
  packet.set(to.split('.').map(Number), 16);
  packet.writeUInt16BE(checksum(packet.subarray(0, 20)), 10);
  packet.writeUInt8(8, 20);
  packet.writeUInt16BE(id, 24);
  packet.writeUInt16BE(sequence, 26);
  packet.writeUInt16BE(checksum(packet.subarray(20)), 22);
  return packet;
}

/** A packet made for a raw socket, whose header checksum the kernel would fill in, as an inner packet has to be. */
export function asInnerPacket(packet: Buffer): Buffer {
  packet.writeUInt16BE(0, 10);
  packet.writeUInt16BE(checksum(packet.subarray(0, 20)), 10);
  return packet;
}

/** Where the server's tunnel points: `address:port`; undefined while it has none. */
export async function endpointOf(ns: Namespace, device = 'ipipou0'): Promise<string | undefined> {
  const { stdout, code } = await ns.exec(['ip', '-d', '-j', 'link', 'show', device], { mayFail: true });
  if (code !== 0) return undefined;
  const [link] = JSON.parse(stdout) as { linkinfo: { info_data: { remote: string; encap: { dport: number } } } }[];
  if (link === undefined) return undefined;
  const { remote, encap } = link.linkinfo.info_data;
  return `${remote}:${encap.dport}`;
}

/** Packets that the server's tunnel device has taken in. */
export async function receivedPackets(ns: Namespace, device = 'ipipou0'): Promise<number> {
  const [link] = (await ns.ipJson(`-s link show ${device}`)) as { stats64: { rx: { packets: number } } }[];
  return link?.stats64.rx.packets ?? 0;
}
