import { lookup } from 'node:dns/promises';
import { isIPv4 } from 'node:net';
import { DaemonError, messageOf } from './errors.js';

/** The IPv4 address behind a name, or the address itself. Rejects with DaemonError. */
export async function resolveHost(host: string): Promise<string> {
  if (isIPv4(host)) return host;
  try {
    return (await lookup(host, { family: 4 })).address;
  } catch (error) {
    throw new DaemonError(
      'address',
      `the name ${host} (--fou-remote) has no IPv4 address now (${messageOf(error)}): is the network up, and the name right? An address can be given instead`,
    );
  }
}

/** All IPv4 addresses behind a name, as the system's resolver gives them. Rejects with what it says. */
export const lookUpAll = async (name: string): Promise<readonly string[]> =>
  (await lookup(name, { family: 4, all: true })).map(({ address }) => address);
