/** The map of bound endpoints in our table: what the kernel lets through, and for how long. */
import { parseEndpoint, type Endpoint } from '../../core/endpoint.js';
import type { NftablesClient } from '../../netlink/nftables/client.js';
import { encodeFields, formatFields } from '../../netlink/nftables/data-type.js';
import type { ElementSpec } from '../../netlink/nftables/element.js';
import type { SetSpec } from '../../netlink/nftables/set.js';
import { endpointsOf } from './ruleset/sets.js';

const KEY = ['ipv4_addr', 'inet_service'] as const;

export interface BoundEndpoint {
  readonly endpoint: Endpoint;
  /** The internal address of its tunnel. */
  readonly internal: string;
  /** Undefined for one that is bound for good. */
  readonly remainingMs?: number;
}

/** Lets the endpoint through, its time beginning now, be it there already or not. */
export function putEndpoint(
  change: { putElements(set: SetSpec, elements: readonly ElementSpec[]): unknown },
  table: string,
  bound: BoundEndpoint,
): void {
  change.putElements(endpointsOf(table), [timedElementOf(bound)]);
}

/** Shuts the endpoint out, be it there still or timed out. */
export function dropEndpoint(
  change: { removeElements(set: SetSpec, elements: readonly ElementSpec[]): unknown },
  table: string,
  bound: BoundEndpoint,
): void {
  change.removeElements(endpointsOf(table), [elementOf(bound)]);
}

/** `putEndpoint` of one and `dropEndpoint` of the other. */
export function replaceEndpoint(
  change: { replaceElement(set: SetSpec, element: ElementSpec, gone: ElementSpec): unknown },
  table: string,
  bound: BoundEndpoint,
  before: BoundEndpoint,
): void {
  change.replaceElement(endpointsOf(table), timedElementOf(bound), elementOf(before));
}

const timedElementOf = (bound: BoundEndpoint): ElementSpec => ({
  ...elementOf(bound),
  ...(bound.remainingMs !== undefined && { timeoutMs: bound.remainingMs }),
});

const elementOf = ({ endpoint, internal }: BoundEndpoint): ElementSpec => ({
  key: encodeFields(KEY, [endpoint.address, endpoint.port]),
  data: encodeFields(['ipv4_addr'], [internal]),
});

/** What the table lets through now; nothing where there is no such table. */
export async function listEndpoints(nft: NftablesClient, table: string): Promise<BoundEndpoint[]> {
  const elements = await nft.elements(endpointsOf(table));
  return elements.flatMap(({ key, data, expirationMs }) => {
    const endpoint = parseEndpoint(formatFields(KEY, key).replace(' . ', ':'));
    if (endpoint === undefined || !Buffer.isBuffer(data)) return [];
    const internal = formatFields(['ipv4_addr'], data);
    return [{ endpoint, internal, ...(expirationMs !== undefined && { remainingMs: expirationMs }) }];
  });
}
