/**
 * Addresses of devices, of both IP versions: bodies of RTM_NEWADDR, RTM_DELADDR and RTM_GETADDR.
 *
 *     struct ifaddrmsg { u8 family; u8 prefixlen; u8 flags; u8 scope; u32 index; }  attributes
 *
 * Numbers in host byte order (linux/if_addr.h).
 */
import { attribute, AttributeDecoder } from '../attributes.js';
import { formatIp, parseIp } from '../ip-address.js';
import { AF_INET, AF_INET6, IFA_ADDRESS, IFA_FLAGS, IFA_LOCAL, RT_SCOPE_UNIVERSE } from './constants.js';

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
  /** IFA_F_* bits. */
  readonly flags?: number;
}

/** An address as the kernel shows it. */
export interface AssignedAddress extends InterfaceAddress {
  readonly scope: number;
  readonly flags: number;
}

/** ifaddrmsg, IFA_LOCAL be32 or 16 bytes, IFA_ADDRESS likewise (the peer, or once more the address itself) */
export function encodeAddress(spec: InterfaceAddress): Buffer {
  const address = parseIp(spec.address);
  return Buffer.concat([
    addressHeader(familyOf(address), spec),
    attribute(IFA_LOCAL, address),
    attribute(IFA_ADDRESS, spec.peer === undefined ? address : parseIp(spec.peer)),
  ]);
}

/** Asks for all addresses of a family (AF_*); for those of one device where its index is given. */
export const encodeAddressDump = (family: number, index = 0): Buffer =>
  addressHeader(family, { index, prefixLength: 0 });

/** Reads the body of an RTM_NEWADDR or RTM_DELADDR. Undefined for what is malformed or of another family than IP's. */
export function decodeAddress(body: Buffer): AssignedAddress | undefined {
  if (body.length < IFADDRMSG_LENGTH) return undefined;
  const attributes = new AttributeDecoder(body.subarray(IFADDRMSG_LENGTH));
  const of = ipReader(body.readUInt8(0));
  const far = of(attributes.bytes(IFA_ADDRESS));
  const address = of(attributes.bytes(IFA_LOCAL)) ?? far;
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

/** AF_* of an address in network byte order. */
export const familyOf = (address: Buffer): number => (address.length === 4 ? AF_INET : AF_INET6);

/** Reads the addresses of a message of that family, and none of others. */
export const ipReader =
  (family: number) =>
  (bytes: Buffer | undefined): string | undefined =>
    bytes !== undefined && familyOf(bytes) === family ? formatIp(bytes) : undefined;

function addressHeader(family: number, spec: Omit<InterfaceAddress, 'address'>): Buffer {
  const header = Buffer.alloc(IFADDRMSG_LENGTH);
  header.writeUInt8(family, 0);
  header.writeUInt8(spec.prefixLength, 1);
  header.writeUInt8((spec.flags ?? 0) & 0xff, 2);
  header.writeUInt8(spec.scope ?? RT_SCOPE_UNIVERSE, 3);
  header.writeUInt32LE(spec.index, 4);
  return header;
}
