/**
 * Notices two tunnels of a host that go by one key: a classic auth packet names no tunnel, so one that is captured on the
 * way to the first opens the second, wherever it is sent from. Each daemon holds a name with its key's hash in it, which
 * the others of its network namespace can read (sys/held-name.ts).
 */
import { createHash } from 'node:crypto';
import type { PublicKey } from '../auth/index.js';
import type { ClientConfig, ServerConfig } from '../config/index.js';
import type { Logger } from '../log/index.js';
import { HeldName } from '../sys/held-name.js';
import { abstractNames } from '../sys/socket-owner.js';
import { messageOf } from './errors.js';

/** Enough to tell the keys of a host apart. */
const HASH_DIGITS = 16;

/** Warns where another tunnel that runs here has the key, and is found by those that start later; where it can't, it isn't. */
export function claimKey(config: ClientConfig | ServerConfig, log: Logger): HeldName | undefined {
  const key = clientKey(config);
  if (key === undefined) return undefined;
  const hash = createHash('sha256').update(key.raw).digest('hex').slice(0, HASH_DIGITS);
  // A client and its server may well share a host.
  const prefix = `ipipou-ts/key/${config.mode}/${hash}/`;
  const own = `${prefix}${config.number}`;
  try {
    const held = HeldName.take(own);
    // Whoever starts at the same time has a name by now, or will see ours.
    const others = abstractNames()
      .filter((name) => name.startsWith(prefix) && name !== own)
      .map((name) => name.slice(prefix.length))
      // Anybody may hold a name, whatever is in it.
      .filter((number) => /^\d{1,5}$/.test(number));
    if (others.length > 0) log.warn(describe(others));
    return held;
  } catch (error) {
    log.debug(`whether another tunnel has this key is not known: ${messageOf(error)}`);
    return undefined;
  }
}

/** The key that is let in; on a client its own. */
function clientKey(config: ClientConfig | ServerConfig): PublicKey | undefined {
  if (config.mode === 'client') return config.auth.kind === 'ed25519' ? config.auth.ownKey.publicKey : undefined;
  return config.auth.kind === 'ed25519' ? config.auth.peerKey : undefined;
}

function describe(numbers: readonly string[]): string {
  const tunnels = `tunnel${numbers.length === 1 ? '' : 's'} ${[...numbers].sort().join(' and ')}`;
  return `the client's key is that of ${tunnels} of this host as well: with one --auth-secret, or none, an auth packet captured on the way to one opens the other; give each tunnel a key of its own`;
}
