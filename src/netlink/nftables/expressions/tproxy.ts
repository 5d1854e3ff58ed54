import { be32 } from '../../attributes.js';
import { NFPROTO_IPV4, NFPROTO_IPV6 } from '../constants.js';
import { NFTA_TPROXY_FAMILY, NFTA_TPROXY_REG_PORT } from './constants.js';
import { expression, type Expression } from './expression.js';
import { register } from './register.js';

const families = { ip: NFPROTO_IPV4, ip6: NFPROTO_IPV6, inet: 0 } as const;

/**
 * Hands the packet to a local socket that listens on the port in the register. A rule with it, be it reached or not, has
 * the kernel put fragments together before prerouting and output, without tracking connections (nft_tproxy_init).
 *
 *     NFTA_TPROXY_FAMILY    be32 NFPROTO_IPV4 | NFPROTO_IPV6, 0 for both
 *     NFTA_TPROXY_REG_PORT  be32
 */
export const tproxy = (target: { readonly family: keyof typeof families; readonly portRegister: number }): Expression =>
  expression('tproxy', [
    be32(NFTA_TPROXY_FAMILY, families[target.family]),
    register(NFTA_TPROXY_REG_PORT, target.portRegister),
  ]);
