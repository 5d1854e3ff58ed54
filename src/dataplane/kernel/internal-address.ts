/**
 * The internal outer address of a tunnel: the `local` of its link, never seen on the wire. Because it belongs to no
 * network and is routed nowhere, the rewrite in our ruleset is the only way a packet can get it as its destination.
 */
import { parseIpv4 } from '../../netlink/ip-address.js';

/** An IPv4 network, as a route or an interface address describes it. */
export interface Network {
  readonly address: string;
  readonly prefixLength: number;
}

/** How far from the wished-for address we look for a free one. */
const CANDIDATES = 4096;

const toNumber = (address: string): number => parseIpv4(address).readUInt32BE();

function toAddress(value: number): string {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes.join('.');
}

function contains(network: Network, value: number): boolean {
  // A default route covers everything and claims nothing.
  if (network.prefixLength === 0) return false;
  const size = 2 ** (32 - network.prefixLength);
  return Math.floor(value / size) === Math.floor(toNumber(network.address) / size);
}

/**
 * The first address from `wished` upwards that no network in use contains; undefined where thousands in a row are taken.
 * `inUse` holds the host's addresses (as /32 or with their prefix) and routes; a default route doesn't count.
 */
export function chooseInternalAddress(wished: string, inUse: readonly Network[]): string | undefined {
  const first = toNumber(wished);
  for (let value = first; value < first + CANDIDATES && value <= 0xffffffff; value++) {
    if (!inUse.some((network) => contains(network, value))) return toAddress(value);
  }
  return undefined;
}
