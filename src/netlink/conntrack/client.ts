/** The connections that the kernel tracks in the network namespace it was opened in. Needs CAP_NET_ADMIN there. */
import { NETLINK_NETFILTER, NLM_F_DUMP } from '../constants.js';
import { isKernelError } from '../errors.js';
import { NetlinkSocket } from '../socket.js';
import {
  decodeConnection,
  encodeConnectionKey,
  encodeConnections,
  encodeConnectionsTo,
  type Connection,
  type ConnectionFamily,
} from './connection.js';
import { IPCTNL_MSG_CT_DELETE, IPCTNL_MSG_CT_GET, IPCTNL_MSG_CT_NEW, NFNL_SUBSYS_CTNETLINK } from './constants.js';

const RECEIVE_BUFFER_BYTES = 4 << 20;
const messageType = (command: number): number => (NFNL_SUBSYS_CTNETLINK << 8) | command;

/** All methods reject with KernelError where the kernel refuses, and with NetlinkError where it doesn't answer. */
export class ConntrackClient {
  private readonly socket: NetlinkSocket;

  private constructor(socket: NetlinkSocket) {
    this.socket = socket;
  }

  static open(): ConntrackClient {
    return new ConntrackClient(NetlinkSocket.open(NETLINK_NETFILTER, { receiveBufferBytes: RECEIVE_BUFFER_BYTES }));
  }

  /** All of a family, or those whose answers go to an address, which is what a translated source is known by. */
  async connections(
    family: ConnectionFamily,
    filter: { readonly replyDestination?: Buffer } = {},
  ): Promise<Connection[]> {
    const { replyDestination } = filter;
    const body =
      replyDestination === undefined || family === 'ip6'
        ? encodeConnections(family)
        : encodeConnectionsTo(replyDestination);
    const replies = await this.socket.request(
      { type: messageType(IPCTNL_MSG_CT_GET), flags: NLM_F_DUMP, body },
      { op: 'list', object: 'tracked connections' },
    );
    return replies.flatMap(({ type, body: reply }) => {
      const connection = type === messageType(IPCTNL_MSG_CT_NEW) ? decodeConnection(reply) : undefined;
      // Where the kernel doesn't filter, it lists all of them.
      const isWanted =
        connection !== undefined &&
        (replyDestination === undefined || connection.reply.destination.equals(replyDestination));
      return isWanted ? [connection] : [];
    });
  }

  /** Forgets the connection; resolves also where it is gone already. What comes of it next is a new connection. */
  async delete(connection: Connection): Promise<void> {
    try {
      await this.socket.request(
        { type: messageType(IPCTNL_MSG_CT_DELETE), flags: 0, body: encodeConnectionKey(connection) },
        { op: 'delete', object: `tracked connection ${connection.id}` },
      );
    } catch (error) {
      if (!isKernelError(error, 'ENOENT')) throw error;
    }
  }

  close(): void {
    this.socket.close();
  }
}
