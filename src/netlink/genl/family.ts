/**
 * Generic netlink: families by name.
 *
 *     struct genlmsghdr { u8 cmd; u8 version; u16 reserved; }  attributes        (linux/genetlink.h)
 */
import { AttributeDecoder, text } from '../attributes.js';
import { isKernelError, NetlinkError } from '../errors.js';
import type { NetlinkSocket } from '../socket.js';
import {
  CTRL_ATTR_FAMILY_ID,
  CTRL_ATTR_FAMILY_NAME,
  CTRL_CMD_GETFAMILY,
  CTRL_VERSION,
  GENL_ID_CTRL,
} from './constants.js';

export const GENL_HDRLEN = 4;

/** The body of a generic message: header and attributes. */
export const encodeGeneric = (command: number, version: number, attributes: readonly Buffer[]): Buffer =>
  Buffer.concat([Buffer.of(command, version, 0, 0), ...attributes]);

/** Reads the answer to CTRL_CMD_GETFAMILY. */
export const decodeFamilyId = (body: Buffer): number | undefined =>
  new AttributeDecoder(body.subarray(GENL_HDRLEN)).u16(CTRL_ATTR_FAMILY_ID);

/** The message type of a family; undefined where the kernel has no such family, or hasn't loaded its module. */
export async function findFamily(socket: NetlinkSocket, name: string): Promise<number | undefined> {
  const body = encodeGeneric(CTRL_CMD_GETFAMILY, CTRL_VERSION, [text(CTRL_ATTR_FAMILY_NAME, name)]);
  try {
    const what = { op: 'find netlink family', object: name };
    const [reply] = await socket.request({ type: GENL_ID_CTRL, flags: 0, body }, what);
    const id = reply === undefined ? undefined : decodeFamilyId(reply.body);
    if (id === undefined) throw new NetlinkError('NETLINK_MALFORMED', `unreadable answer about netlink family ${name}`);
    return id;
  } catch (error) {
    if (isKernelError(error, 'ENOENT')) return undefined;
    throw error;
  }
}
