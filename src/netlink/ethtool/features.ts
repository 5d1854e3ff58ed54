/** Features (offloads) of devices in the network namespace of the caller. */
import { attribute, nested, text, u32 } from '../attributes.js';
import { NETLINK_GENERIC } from '../constants.js';
import { NetlinkError } from '../errors.js';
import { encodeGeneric, findFamily } from '../genl/family.js';
import { NetlinkSocket } from '../socket.js';
import {
  ETHTOOL_A_BITSET_BIT_NAME,
  ETHTOOL_A_BITSET_BIT_VALUE,
  ETHTOOL_A_BITSET_BITS,
  ETHTOOL_A_BITSET_BITS_BIT,
  ETHTOOL_A_FEATURES_HEADER,
  ETHTOOL_A_FEATURES_WANTED,
  ETHTOOL_A_HEADER_DEV_INDEX,
  ETHTOOL_A_HEADER_FLAGS,
  ETHTOOL_FLAG_OMIT_REPLY,
  ETHTOOL_GENL_NAME,
  ETHTOOL_GENL_VERSION,
  ETHTOOL_MSG_FEATURES_SET,
} from './constants.js';

/**
 *     FEATURES_HEADER { HEADER_DEV_INDEX u32, HEADER_FLAGS u32 (OMIT_REPLY) }
 *     FEATURES_WANTED { BITSET_BITS { BITSET_BITS_BIT { BIT_NAME text, BIT_VALUE flag? } } }
 *
 * Features that are not named stay as they are.
 */
export const encodeFeature = (index: number, name: string, on: boolean): Buffer[] => [
  nested(ETHTOOL_A_FEATURES_HEADER, [
    u32(ETHTOOL_A_HEADER_DEV_INDEX, index),
    u32(ETHTOOL_A_HEADER_FLAGS, ETHTOOL_FLAG_OMIT_REPLY),
  ]),
  nested(ETHTOOL_A_FEATURES_WANTED, [
    nested(ETHTOOL_A_BITSET_BITS, [
      nested(ETHTOOL_A_BITSET_BITS_BIT, [
        text(ETHTOOL_A_BITSET_BIT_NAME, name),
        ...(on ? [attribute(ETHTOOL_A_BITSET_BIT_VALUE, Buffer.alloc(0))] : []),
      ]),
    ]),
  ]),
];

/** Rejects with KernelError where the kernel refuses, and with NetlinkError where it has no such interface. */
export async function setDeviceFeature(index: number, name: string, on: boolean): Promise<void> {
  const socket = NetlinkSocket.open(NETLINK_GENERIC);
  try {
    const type = await findFamily(socket, ETHTOOL_GENL_NAME);
    if (type === undefined) throw new NetlinkError('NETLINK_UNAVAILABLE', 'this kernel has no netlink for ethtool');
    const body = encodeGeneric(ETHTOOL_MSG_FEATURES_SET, ETHTOOL_GENL_VERSION, encodeFeature(index, name, on));
    const what = { op: `switch ${on ? 'on' : 'off'} ${name} of`, object: `link ${index}` };
    await socket.request({ type, flags: 0, body }, what);
  } finally {
    socket.close();
  }
}
