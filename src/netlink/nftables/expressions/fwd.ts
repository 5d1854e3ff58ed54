import { NFTA_FWD_SREG_DEV } from './constants.js';
import { expression, type Expression } from './expression.js';
import { register } from './register.js';

/**
 * Sends the packet out by a device as it is, link-layer header and all, and ends its way here; in chains at ingress and
 * egress of `netdev` only.
 *
 *     NFTA_FWD_SREG_DEV  be32, a register with the device's index in host order
 */
export const forwardTo = (deviceRegister: number): Expression =>
  expression('fwd', [register(NFTA_FWD_SREG_DEV, deviceRegister)]);
