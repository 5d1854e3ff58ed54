/** Objects that say after how much silence tracked connections are forgotten; a rule gives one to a new connection. */
import { be16, be32, nested, text, u8 } from '../attributes.js';
import {
  NFPROTO_IPV4,
  NFPROTO_IPV6,
  NFT_OBJECT_CT_TIMEOUT,
  NFTA_CT_TIMEOUT_DATA,
  NFTA_CT_TIMEOUT_L3PROTO,
  NFTA_CT_TIMEOUT_L4PROTO,
  NFTA_OBJ_DATA,
  NFTA_OBJ_NAME,
  NFTA_OBJ_TABLE,
  NFTA_OBJ_TYPE,
} from './constants.js';
import type { Family } from './message.js';

export interface CtTimeoutSpec {
  readonly family: Family;
  readonly table: string;
  readonly name: string;
  /** Of the connections. */
  readonly version: 'ip' | 'ip6';
  /** IPPROTO_*. */
  readonly protocol: number;
  /** Seconds by CTA_TIMEOUT_* of the protocol (linux/netfilter/nfnetlink_cttimeout.h); others are the namespace's. */
  readonly seconds: ReadonlyMap<number, number>;
}

/**
 *     NFTA_OBJ_TABLE  text
 *     NFTA_OBJ_NAME   text
 *     NFTA_OBJ_TYPE   be32 NFT_OBJECT_CT_TIMEOUT
 *     NFTA_OBJ_DATA { NFTA_CT_TIMEOUT_L3PROTO be16, NFTA_CT_TIMEOUT_L4PROTO u8,
 *                     NFTA_CT_TIMEOUT_DATA { CTA_TIMEOUT_* be32 … } }
 */
export const encodeCtTimeout = ({ table, name, version, protocol, seconds }: CtTimeoutSpec): Buffer[] => [
  text(NFTA_OBJ_TABLE, table),
  text(NFTA_OBJ_NAME, name),
  be32(NFTA_OBJ_TYPE, NFT_OBJECT_CT_TIMEOUT),
  nested(NFTA_OBJ_DATA, [
    be16(NFTA_CT_TIMEOUT_L3PROTO, version === 'ip' ? NFPROTO_IPV4 : NFPROTO_IPV6),
    u8(NFTA_CT_TIMEOUT_L4PROTO, protocol),
    nested(
      NFTA_CT_TIMEOUT_DATA,
      [...seconds].map(([state, value]) => be32(state, value)),
    ),
  ]),
];
