import type { KeyPair } from '../auth/index.js';
import type { OpenServer } from '../config/index.js';
import { addToIpv4 } from '../config/ipv4.js';
import { addToIpv6 } from '../config/ipv6.js';
import { quoteForShell } from '../config/quote.js';
import { PROGRAM } from './program.js';

/** Seconds: most NATs keep a UDP mapping for 30 or more. */
const KEEPALIVE_SECONDS = 27;

export interface PairCommands {
  readonly server: string;
  readonly client: string;
}

/**
 * The two command lines that make a tunnel of a server asked for without authentication. `argv` is what the user wrote
 * for the server, `address` where the client reaches it.
 */
export function pairCommands(
  argv: readonly string[],
  { config, ownKey, secret }: OpenServer,
  address: string,
  clientKey: KeyPair,
): PairCommands {
  const usualPeer = addToIpv4(config.tunlPeerIp, -1) === config.tunlIp;
  const halfLifetime = Math.max(1, Math.floor(config.lifetimeSeconds / 2));
  const keepalive = config.lifetimeSeconds === 0 ? KEEPALIVE_SECONDS : Math.min(KEEPALIVE_SECONDS, halfLifetime);
  const client = [
    ['-c', '-n', String(config.number)],
    ['-r', `${address}:${config.fouLocalPort}`],
    ['--auth-key-b64', base64(clientKey.seed)],
    ownKey === undefined ? [] : ['--auth-remote-pubkey-b64', base64(ownKey.publicKey.raw)],
    // One word, since a secret may begin with a hyphen.
    secret === undefined ? [] : [`--auth-secret=${secret.toString()}`],
    ['--tunl-ip', config.tunlPeerIp],
    usualPeer ? [] : ['--tunl-peer-ip', config.tunlIp],
    ...ipv6Options(config),
    ['--keepalive', String(keepalive)],
  ];
  return {
    server: commandLine([...argv, '--auth-remote-pubkey-b64', base64(clientKey.publicKey.raw)]),
    client: commandLine(client.flat()),
  };
}

function ipv6Options({ inner6 }: OpenServer['config']): string[][] {
  if (inner6 === undefined) return [];
  const { address, peerAddress } = inner6;
  const usualPeer = addToIpv6(peerAddress, -1) === address;
  return [['--tunl-ip6', peerAddress], usualPeer ? [] : ['--tunl-peer-ip6', address]];
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64');
}

function commandLine(words: readonly string[]): string {
  return [PROGRAM, ...words].map(quoteForShell).join(' ');
}
