/** Connections that go on from an address after others have moved on from it. */
import type { ConntrackClient } from '../../netlink/conntrack/client.js';
import { addressBytes, type IpAddress } from '../address.js';

/** Deletions that are under way at a time. */
const AT_ONCE = 64;

/**
 * Forgets the connections that were given one of these addresses, so that they end; gives their number. What the host
 * itself has going from such an address stays.
 */
export async function dropEstablished(client: ConntrackClient, addresses: readonly IpAddress[]): Promise<number> {
  let count = 0;
  for (const address of addresses) {
    const replyDestination = addressBytes(address);
    const connections = (await client.connections(address.family, { replyDestination })).filter(
      ({ original }) => !original.source.equals(replyDestination),
    );
    for (let from = 0; from < connections.length; from += AT_ONCE) {
      await Promise.all(connections.slice(from, from + AT_ONCE).map((connection) => client.delete(connection)));
    }
    count += connections.length;
  }
  return count;
}
