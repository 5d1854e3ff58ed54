import { be32 } from '../../attributes.js';
import {
  NFTA_PAYLOAD_BASE,
  NFTA_PAYLOAD_CSUM_FLAGS,
  NFTA_PAYLOAD_CSUM_OFFSET,
  NFTA_PAYLOAD_CSUM_TYPE,
  NFTA_PAYLOAD_DREG,
  NFTA_PAYLOAD_LEN,
  NFTA_PAYLOAD_OFFSET,
  NFTA_PAYLOAD_SREG,
  NFT_PAYLOAD_CSUM_NONE,
} from './constants.js';
import { expression, type Expression } from './expression.js';
import { register } from './register.js';

/** Bytes of the packet, counted from a header. */
export interface PayloadPlace {
  /** NFT_PAYLOAD_*_HEADER. */
  readonly base: number;
  readonly offset: number;
  readonly length: number;
}

/**
 * Loads bytes of the packet; a packet too short for it does not match.
 *
 *     NFTA_PAYLOAD_DREG, _BASE, _OFFSET, _LEN   be32 each
 */
export const payloadLoad = (payload: PayloadPlace & { readonly dreg: number }): Expression =>
  expression('payload', [register(NFTA_PAYLOAD_DREG, payload.dreg), ...place(payload)]);

/**
 * Writes bytes into the packet and puts right the checksums named:
 *
 *     NFTA_PAYLOAD_SREG, _BASE, _OFFSET, _LEN   be32 each
 *     NFTA_PAYLOAD_CSUM_TYPE                    be32 NFT_PAYLOAD_CSUM_NONE | NFT_PAYLOAD_CSUM_INET
 *     NFTA_PAYLOAD_CSUM_OFFSET                  be32, from the same base
 *     NFTA_PAYLOAD_CSUM_FLAGS                   be32, NFT_PAYLOAD_L4CSUM_PSEUDOHDR: the transport checksum too
 *
 * The flag suits addresses (with the IPv4 header's checksum: NFT_PAYLOAD_CSUM_INET at offset 10) and also ports, alone:
 * it leaves alone a UDP checksum of 0, which NFT_PAYLOAD_CSUM_INET would turn into a wrong one.
 */
export const payloadWrite = (
  payload: PayloadPlace & {
    readonly sreg: number;
    /** Default NFT_PAYLOAD_CSUM_NONE. */
    readonly checksumType?: number;
    readonly checksumOffset?: number;
    readonly checksumFlags?: number;
  },
): Expression =>
  expression('payload', [
    register(NFTA_PAYLOAD_SREG, payload.sreg),
    ...place(payload),
    be32(NFTA_PAYLOAD_CSUM_TYPE, payload.checksumType ?? NFT_PAYLOAD_CSUM_NONE),
    be32(NFTA_PAYLOAD_CSUM_OFFSET, payload.checksumOffset ?? 0),
    be32(NFTA_PAYLOAD_CSUM_FLAGS, payload.checksumFlags ?? 0),
  ]);

const place = ({ base, offset, length }: PayloadPlace): Buffer[] => [
  be32(NFTA_PAYLOAD_BASE, base),
  be32(NFTA_PAYLOAD_OFFSET, offset),
  be32(NFTA_PAYLOAD_LEN, length),
];
