/** Where things stand in an IPv4 and a UDP header (RFC 791, RFC 768), and how a rule loads them. */
import { NFT_REG_1 } from '../../../netlink/nftables/constants.js';
import {
  NFT_PAYLOAD_NETWORK_HEADER,
  NFT_PAYLOAD_TRANSPORT_HEADER,
  payloadLoad,
  type Expression,
} from '../../../netlink/nftables/expressions/index.js';

export const IP_CHECKSUM = 10;
export const IP_SOURCE = 12;
export const IP_DESTINATION = 16;
export const UDP_SOURCE_PORT = 0;
export const UDP_DESTINATION_PORT = 2;
export const UDP_LENGTH = 4;
export const UDP_HEADER_BYTES = 8;

/** Bytes counted from the IP header. */
export const network = (offset: number, length: number, dreg = NFT_REG_1): Expression =>
  payloadLoad({ base: NFT_PAYLOAD_NETWORK_HEADER, offset, length, dreg });

/** Bytes counted from behind the IP header. */
export const transport = (offset: number, length: number, dreg = NFT_REG_1): Expression =>
  payloadLoad({ base: NFT_PAYLOAD_TRANSPORT_HEADER, offset, length, dreg });
