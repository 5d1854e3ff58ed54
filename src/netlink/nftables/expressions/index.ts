/**
 * What rules are made of: each expression loads registers, tests them or acts on the packet. Example, `udp dport 10000
 * accept`:
 *
 *     [
 *       metaLoad({ key: NFT_META_L4PROTO, dreg: NFT_REG_1 }),
 *       cmp({ sreg: NFT_REG_1, op: NFT_CMP_EQ, data: Buffer.of(17) }),
 *       payloadLoad({ base: NFT_PAYLOAD_TRANSPORT_HEADER, offset: 2, length: 2, dreg: NFT_REG_1 }),
 *       cmp({ sreg: NFT_REG_1, op: NFT_CMP_EQ, data: encodeFields(['inet_service'], [10000]) }),
 *       immediateVerdict({ kind: 'accept' }),
 *     ]
 *
 * A register must be loaded before it is read, in all its words: newer kernels refuse the rule otherwise (ENODATA).
 */
export { bitwise } from './bitwise.js';
export { byteorder } from './byteorder.js';
export { cmp } from './cmp.js';
export { sameExpressions } from './compare.js';
export * from './constants.js';
export { counter, decodeCounter, type Counts } from './counter.js';
export { ctLoad } from './ct.js';
export { attachedTo, dynset } from './dynset.js';
export type { Expression } from './expression.js';
export { fib } from './fib.js';
export { forwardTo } from './fwd.js';
export { immediateData, immediateVerdict } from './immediate.js';
export { limit } from './limit.js';
export { lookup } from './lookup.js';
export { changeMarkBits } from './mark-bits.js';
export { metaLoad, metaWrite } from './meta.js';
export { dnat, masquerade, snat, type NatTarget } from './nat.js';
export { notrack } from './notrack.js';
export { numgen } from './numgen.js';
export { objref } from './objref.js';
export { payloadLoad, payloadWrite, type PayloadPlace } from './payload.js';
export { queue } from './queue.js';
export { range } from './range.js';
export { tproxy } from './tproxy.js';
