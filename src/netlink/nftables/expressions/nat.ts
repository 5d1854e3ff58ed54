import { be32 } from '../../attributes.js';
import { NFPROTO_IPV4, NFPROTO_IPV6 } from '../constants.js';
import {
  NFTA_MASQ_FLAGS,
  NFTA_MASQ_REG_PROTO_MAX,
  NFTA_MASQ_REG_PROTO_MIN,
  NFTA_NAT_FAMILY,
  NFTA_NAT_FLAGS,
  NFTA_NAT_REG_ADDR_MAX,
  NFTA_NAT_REG_ADDR_MIN,
  NFTA_NAT_REG_PROTO_MAX,
  NFTA_NAT_REG_PROTO_MIN,
  NFTA_NAT_TYPE,
  NFT_NAT_DNAT,
  NFT_NAT_SNAT,
  NF_NAT_RANGE_MAP_IPS,
  NF_NAT_RANGE_PROTO_SPECIFIED,
} from './constants.js';
import { expression, type Expression } from './expression.js';
import { register } from './register.js';

/** Registers that hold the ends of a range of ports, network byte order, both included. */
export interface PortRegisters {
  readonly from: number;
  readonly to: number;
}

/** What a connection is to get. At least one of the two is given. */
export interface NatTarget {
  /** Of the address, whatever the family of the table. */
  readonly family: 'ip' | 'ip6';
  /** The register with the address: 4 bytes, or 16 from there on. */
  readonly addressRegister?: number;
  readonly ports?: PortRegisters;
}

/**
 * Decides from which address the packet's connection leaves; ends the rule. In `nat` chains only, which the first packet
 * of a connection alone passes. In the order and with the flags that the kernel lists:
 *
 *     NFTA_NAT_TYPE                       be32 NFT_NAT_SNAT
 *     NFTA_NAT_FAMILY                     be32 NFPROTO_IPV4 | NFPROTO_IPV6
 *     [NFTA_NAT_REG_ADDR_MIN, _ADDR_MAX   be32 each, the same register]
 *     [NFTA_NAT_REG_PROTO_MIN, _PROTO_MAX be32 each]
 *     NFTA_NAT_FLAGS                      be32 NF_NAT_RANGE_*
 */
export const snat = (target: NatTarget): Expression => nat(NFT_NAT_SNAT, target);

/** The same for where it goes to: in prerouting and output. */
export const dnat = (target: NatTarget): Expression => nat(NFT_NAT_DNAT, target);

function nat(type: number, { family, addressRegister, ports }: NatTarget): Expression {
  const hasAddress = addressRegister === undefined ? 0 : NF_NAT_RANGE_MAP_IPS;
  const hasPorts = ports === undefined ? 0 : NF_NAT_RANGE_PROTO_SPECIFIED;
  return expression('nat', [
    be32(NFTA_NAT_TYPE, type),
    be32(NFTA_NAT_FAMILY, family === 'ip' ? NFPROTO_IPV4 : NFPROTO_IPV6),
    ...(addressRegister === undefined
      ? []
      : [register(NFTA_NAT_REG_ADDR_MIN, addressRegister), register(NFTA_NAT_REG_ADDR_MAX, addressRegister)]),
    ...(ports === undefined
      ? []
      : [register(NFTA_NAT_REG_PROTO_MIN, ports.from), register(NFTA_NAT_REG_PROTO_MAX, ports.to)]),
    be32(NFTA_NAT_FLAGS, hasAddress | hasPorts),
  ]);
}

/**
 * Has the connection leave from the address of the device it leaves by; ends the rule. Only in `nat` chains of
 * postrouting.
 *
 *     [NFTA_MASQ_FLAGS                      be32 NF_NAT_RANGE_PROTO_SPECIFIED
 *      NFTA_MASQ_REG_PROTO_MIN, _PROTO_MAX  be32 each]
 */
export const masquerade = (ports?: PortRegisters): Expression =>
  expression(
    'masq',
    ports === undefined
      ? []
      : [
          be32(NFTA_MASQ_FLAGS, NF_NAT_RANGE_PROTO_SPECIFIED),
          register(NFTA_MASQ_REG_PROTO_MIN, ports.from),
          register(NFTA_MASQ_REG_PROTO_MAX, ports.to),
        ],
  );
