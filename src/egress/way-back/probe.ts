/**
 * Sends a packet to addresses of the pools and sees whether it comes back: a router that has the prefix routed to this
 * host returns it. A table counts what arrives, and goes with the socket that it was made by.
 */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { Batch } from '../../netlink/nftables/batch.js';
import { NftablesClient } from '../../netlink/nftables/client.js';
import { NFT_REG_1 } from '../../netlink/nftables/constants.js';
import {
  cmp,
  counter,
  decodeCounter,
  immediateVerdict,
  metaLoad,
  NFT_CMP_EQ,
  NFT_CMP_NEQ,
  NFT_META_IIFNAME,
  NFT_META_L4PROTO,
  NFT_PAYLOAD_TRANSPORT_HEADER,
  payloadLoad,
  type Expression,
} from '../../netlink/nftables/expressions/index.js';
import { encodeFields } from '../../netlink/nftables/data-type.js';
import { RTN_LOCAL, RTN_UNICAST } from '../../netlink/route/constants.js';
import { RouteClient } from '../../netlink/route/client.js';
import { FAMILIES, formatAddress, type IpAddress } from '../address.js';
import { drawAddress, type RandomBytes } from '../draw.js';
import { EARLY_PRIORITY, FAMILY } from '../nftables/names.js';
import type { Pool } from '../pool.js';
import type { SampleWay, Way } from './way-back.js';

export interface WayBackRequest {
  readonly addresses: readonly IpAddress[];
  /** The device on which pools are announced. */
  readonly announce: string | undefined;
  /** Of the table that counts. */
  readonly table: string;
  readonly random: RandomBytes;
  /** Ends the waiting. */
  readonly signal?: AbortSignal;
}

const CHAIN = 'returned';
/** Before anything else of ours looks at it. */
const PRIORITY = EARLY_PRIORITY - 10;
const IPPROTO_UDP = 17;
/** RFC 768 */
const UDP_HEADER_BYTES = 8;
const COOKIE_BYTES = 16;
/** The discard service (RFC 863), should it reach anybody else. */
const PORT = 9;
/** To a router some way off and back; a loop ends soon. */
const HOPS = 8;
const WAIT_MS = 1500;
const LOOK_EVERY_MS = 50;

/** One address of each family that is drawn from. */
export const samplesOf = (pool: Pool, random: RandomBytes): IpAddress[] =>
  FAMILIES.flatMap((family) => drawAddress(pool, family, random) ?? []);

interface Sent {
  readonly kind: 'sent';
  readonly gateway: string | undefined;
}

/** Rejects where the table can't be made. */
export async function probeWayBack(request: WayBackRequest): Promise<SampleWay[]> {
  const { addresses, announce } = request;
  const routes = RouteClient.open();
  try {
    const found = await Promise.all(addresses.map((address) => findWay(routes, address, announce)));
    const isSent = (index: number): boolean => found[index]?.kind === 'sent';
    const { returned, unsent } = await whichReturn(request, isSent);
    return found.map((one, index) => {
      const address = addresses[index] ?? fail();
      if (one.kind !== 'sent') return { address, way: one };
      const why = unsent.get(index);
      if (why !== undefined)
        return { address, way: { kind: 'untried', why: `no packet could be sent to it (${why})` } };
      return { address, way: returned.has(index) ? { kind: 'returned' } : { kind: 'lost', gateway: one.gateway } };
    });
  } finally {
    routes.close();
  }
}

/** What the routes tell; `sent` where they lead off, and only a packet can tell. */
async function findWay(routes: RouteClient, address: IpAddress, announce: string | undefined): Promise<Way | Sent> {
  let route;
  try {
    route = await routes.routeTo(formatAddress(address));
  } catch (error) {
    // So the kernel answers for a route that refuses or swallows: a host that forwards has it against loops.
    return { kind: 'untried', why: `this host's routes let nothing out to it (${messageOf(error)})` };
  }
  if (route === undefined) return { kind: 'untried', why: 'this host has no route to it' };
  if (route.type === RTN_LOCAL) return { kind: 'own' };
  if (route.type !== RTN_UNICAST || route.outInterface === undefined)
    return { kind: 'untried', why: "this host's routes let nothing out to it" };
  const device = (await routes.linkByIndex(route.outInterface))?.name ?? `device ${route.outInterface}`;
  if (device === announce) return { kind: 'announced', device };
  return route.gateway === undefined ? { kind: 'on-link', device } : { kind: 'sent', gateway: route.gateway };
}

/** By their places: the addresses from which packets came back, and why none was sent to others. */
interface Tried {
  readonly returned: ReadonlySet<number>;
  readonly unsent: ReadonlyMap<number, string>;
}

/** Sends a packet to each. */
async function whichReturn(
  { addresses, table, random, signal }: WayBackRequest,
  isSent: (index: number) => boolean,
): Promise<Tried> {
  const cookies = new Map<number, Buffer>();
  addresses.forEach((_, index) => {
    if (isSent(index)) cookies.set(index, Buffer.from(random(COOKIE_BYTES)));
  });
  const unsent = new Map<number, string>();
  if (cookies.size === 0) return { returned: new Set(), unsent };
  const nft = NftablesClient.open();
  try {
    await nft.commit(counting(table, cookies));
    for (const [index, cookie] of cookies) {
      try {
        await send(addresses[index] ?? fail(), cookie);
      } catch (error) {
        unsent.set(index, messageOf(error));
      }
    }
    return { returned: await arrivals(nft, table, cookies.size - unsent.size, signal), unsent };
  } finally {
    nft.close();
  }
}

function counting(table: string, cookies: ReadonlyMap<number, Buffer>): Batch {
  const batch = new Batch().addTable({ family: FAMILY, name: table, isTheSockets: true });
  const base = { type: 'filter', hook: 'prerouting', priority: PRIORITY, policy: 'accept' } as const;
  batch.addChain({ family: FAMILY, table, name: CHAIN, base });
  for (const [index, cookie] of cookies) {
    const expressions: Expression[] = [
      metaLoad({ key: NFT_META_IIFNAME, dreg: NFT_REG_1 }),
      cmp({ sreg: NFT_REG_1, op: NFT_CMP_NEQ, data: encodeFields(['ifname'], ['lo']) }),
      metaLoad({ key: NFT_META_L4PROTO, dreg: NFT_REG_1 }),
      cmp({ sreg: NFT_REG_1, op: NFT_CMP_EQ, data: Buffer.of(IPPROTO_UDP) }),
      payloadLoad({
        base: NFT_PAYLOAD_TRANSPORT_HEADER,
        offset: UDP_HEADER_BYTES,
        length: COOKIE_BYTES,
        dreg: NFT_REG_1,
      }),
      cmp({ sreg: NFT_REG_1, op: NFT_CMP_EQ, data: cookie }),
      counter(),
      // Else we would forward it once more.
      immediateVerdict({ kind: 'drop' }),
    ];
    batch.addRule({ family: FAMILY, table, chain: CHAIN, comment: String(index), expressions });
  }
  return batch;
}

/** Waits until all are back, or long enough. */
async function arrivals(
  nft: NftablesClient,
  table: string,
  wanted: number,
  signal: AbortSignal | undefined,
): Promise<ReadonlySet<number>> {
  const deadline = performance.now() + WAIT_MS;
  for (;;) {
    const isLast = performance.now() >= deadline || signal?.aborted === true;
    const rules = await nft.rules(FAMILY, table);
    const arrived = rules.filter(({ expressions }) =>
      expressions.some((expression) => {
        const counts = decodeCounter(expression);
        return counts.ok && counts.value.packets > 0n;
      }),
    );
    if (isLast || arrived.length === wanted) return new Set(arrived.map(({ comment }) => Number(comment)));
    await delay(LOOK_EVERY_MS);
  }
}

/** Rejects with what the system says. */
async function send({ family, value }: IpAddress, cookie: Buffer): Promise<void> {
  const socket = createSocket(family === 'ip' ? 'udp4' : 'udp6');
  try {
    socket.bind();
    await once(socket, 'listening');
    socket.setTTL(HOPS);
    await new Promise<void>((resolve, reject) => {
      socket.send(cookie, PORT, formatAddress({ family, value }), (error) => {
        if (error === null) resolve();
        else reject(error);
      });
    });
  } finally {
    socket.close();
  }
}

function fail(): never {
  throw new Error('an address that was not asked about');
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
