import { readFileSync } from 'node:fs';
import { messageOf } from './errors.js';

const TTL_FILE = '/proc/sys/net/ipv4/ip_default_ttl';
/** RFC 1700's recommendation, and Linux' own default. */
const COMMON_TTL = 64;

/** The TTL that packets of this network namespace get by default; a common one, with a warning, where nothing tells. */
export function readDefaultTtl(warn: (said: string) => void, file = TTL_FILE): number {
  let why = 'it holds no TTL';
  try {
    const ttl = Number(readFileSync(file, 'ascii'));
    if (Number.isInteger(ttl) && ttl >= 1 && ttl <= 255) return ttl;
  } catch (error) {
    why = messageOf(error);
  }
  warn(
    `the default TTL of this host is not known (${file}: ${why}): ${COMMON_TTL} is taken; --auth-packet-ttl sets it`,
  );
  return COMMON_TTL;
}
