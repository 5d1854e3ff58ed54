/**
 * IPv4 addresses of devices: bodies of RTM_NEWADDR, RTM_DELADDR and RTM_GETADDR.
 *
 *     struct ifaddrmsg { u8 family; u8 prefixlen; u8 flags; u8 scope; u32 index; }  attributes
 *
 * Numbers in host byte order (linux/if_addr.h).
 */
import { attribute, AttributeDecoder } from '../attributes.js';
import { formatIpv4, parseIpv4 } from '../ip-address.js';
import { AF_INET, IFA_ADDRESS, IFA_FLAGS, IFA_LOCAL, RT_SCOPE_UNIVERSE } from './constants.js';

const IFADDRMSG_LENGTH = 8;

export interface InterfaceAddress {
  /** Of the device. */
  readonly index: number;
  readonly address: string;
  readonly prefixLength: number;
  /** The other end of a point-to-point device; `prefixLength` then belongs to it. */
  readonly peer?: string;
  /** RT_SCOPE_*; default universe. */
  readonly scope?: number;
}

/** An address as the kernel shows it. */
export interface AssignedAddress extends InterfaceAddress {
  readonly scope: number;
  /** IFA_F_* bits. */
  readonly flags: number;
}

/** ifaddrmsg, IFA_LOCAL be32, IFA_ADDRESS be32 (the peer, or once more the address itself) */
export function encodeAddress(spec: InterfaceAddress): Buffer {
  return Buffer.concat([
    addressHeader(spec),
    attribute(IFA_LOCAL, parseIpv4(spec.address)),
    attribute(IFA_ADDRESS, parseIpv4(spec.peer ?? spec.address)),
  ]);
}

/** Asks for all addresses; for those of one device where its index is given. */
export const encodeAddressDump = (index = 0): Buffer => addressHeader({ index, prefixLength: 0 });

/** Reads the body of an RTM_NEWADDR or RTM_DELADDR. Undefined for what is malformed or not IPv4. */
export function decodeAddress(body: Buffer): AssignedAddress | undefined {
  if (body.length < IFADDRMSG_LENGTH || body.readUInt8(0) !== AF_INET) return undefined;
  const attributes = new AttributeDecoder(body.subarray(IFADDRMSG_LENGTH));
  const far = formatIpv4(attributes.bytes(IFA_ADDRESS));
  const address = formatIpv4(attributes.bytes(IFA_LOCAL)) ?? far;
  const flags = attributes.u32(IFA_FLAGS) ?? body.readUInt8(2);
  if (address === undefined || attributes.fault !== undefined) return undefined;
  return {
    index: body.readUInt32LE(4),
    address,
    prefixLength: body.readUInt8(1),
    scope: body.readUInt8(3),
    flags,
    ...(far !== undefined && far !== address && { peer: far }),
  };
}

function addressHeader(spec: { index: number; prefixLength: number; scope?: number }): Buffer {
  const header = Buffer.alloc(IFADDRMSG_LENGTH);
  header.writeUInt8(AF_INET, 0);
  header.writeUInt8(spec.prefixLength, 1);
  header.writeUInt8(spec.scope ?? RT_SCOPE_UNIVERSE, 3);
  header.writeUInt32LE(spec.index, 4);
  return header;
}
