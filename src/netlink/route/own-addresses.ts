/** The addresses of this host, of both IP versions and all its devices, and when they change. */
import { AttributeDecoder } from '../attributes.js';
import { NETLINK_ROUTE, NLM_F_DUMP } from '../constants.js';
import { OverrunWatch } from '../overrun-watch.js';
import { NetlinkSocket } from '../socket.js';
import {
  AF_INET,
  AF_INET6,
  AF_UNSPEC,
  IFA_ADDRESS,
  IFA_LOCAL,
  RTM_DELADDR,
  RTM_GETADDR,
  RTM_NEWADDR,
  RTNLGRP_IPV4_IFADDR,
  RTNLGRP_IPV6_IFADDR,
} from './constants.js';

const IFADDRMSG_LENGTH = 8;
const LENGTHS: ReadonlyMap<number | undefined, number> = new Map([
  [AF_INET, 4],
  [AF_INET6, 16],
]);

export interface OwnAddressesOptions {
  /** Some may have changed: list them anew. */
  readonly onChange: () => void;
  readonly onError?: (error: Error) => void;
  /** How often to look for lost events. Default 60000. */
  readonly overrunCheckMs?: number;
}

export class OwnAddresses {
  private readonly requests: NetlinkSocket;
  private readonly events: NetlinkSocket;
  private readonly watch: OverrunWatch;

  private constructor(requests: NetlinkSocket, events: NetlinkSocket, watch: OverrunWatch) {
    this.requests = requests;
    this.events = events;
    this.watch = watch;
  }

  /** Of the network namespace it is opened in. Every change from then on is told. */
  static open({ onChange, onError, overrunCheckMs = 60_000 }: OwnAddressesOptions): OwnAddresses {
    const events = NetlinkSocket.open(NETLINK_ROUTE, {
      groups: [RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR],
      ...(onError !== undefined && { onError }),
    });
    const watch = new OverrunWatch(events, overrunCheckMs, onChange);
    events.onMessages((messages) => {
      if (messages.some(({ type }) => type === RTM_NEWADDR || type === RTM_DELADDR)) onChange();
      watch.check();
    });
    return new OwnAddresses(NetlinkSocket.open(NETLINK_ROUTE), events, watch);
  }

  /** In network byte order, 4 or 16 bytes each. Rejects with KernelError or NetlinkError. */
  async list(): Promise<Buffer[]> {
    const body = Buffer.alloc(IFADDRMSG_LENGTH);
    body.writeUInt8(AF_UNSPEC, 0);
    const replies = await this.requests.request(
      { type: RTM_GETADDR, flags: NLM_F_DUMP, body },
      { op: 'list', object: 'addresses' },
    );
    return replies.flatMap(({ type, body: reply }) => (type === RTM_NEWADDR ? (decodeOwnAddress(reply) ?? []) : []));
  }

  close(): void {
    this.watch.stop();
    this.events.close();
    this.requests.close();
  }
}

/** The address in an RTM_NEWADDR. Undefined for what is malformed, or of other families. Total. */
export function decodeOwnAddress(body: Buffer): Buffer | undefined {
  if (body.length < IFADDRMSG_LENGTH) return undefined;
  const attributes = new AttributeDecoder(body.subarray(IFADDRMSG_LENGTH));
  // On a point-to-point device IFA_ADDRESS is the other side's.
  const address = attributes.bytes(IFA_LOCAL) ?? attributes.bytes(IFA_ADDRESS);
  return address?.length === LENGTHS.get(body[0]) ? address : undefined;
}
