/**
 * What `nft --debug=mnl` (1.0.6) shows it sends for the same rules, with the attributes in the order in which the kernel
 * lists them. nft leaves out numbers that are 0 and names sets by their id too.
 */
import assert from 'node:assert/strict';
import {
  NFT_REG32_01,
  NFT_REG_1,
  NFT_REG_2,
  NFT_REG_3,
  NFT_REG_VERDICT,
} from '../../../../src/netlink/nftables/constants.js';
import {
  NFTA_FIB_F_IIF,
  NFTA_FIB_F_PRESENT,
  NFTA_FIB_F_SADDR,
  NFT_BYTEORDER_HTON,
  NFT_CMP_EQ,
  NFT_CMP_LTE,
  NFT_CT_STATUS,
  NFT_FIB_RESULT_OIF,
  NFT_META_L4PROTO,
  NFT_META_MARK,
  NFT_PAYLOAD_CSUM_INET,
  NFT_PAYLOAD_L4CSUM_PSEUDOHDR,
  NFT_PAYLOAD_NETWORK_HEADER,
  NFT_PAYLOAD_TRANSPORT_HEADER,
  NFT_RANGE_NEQ,
  bitwise,
  byteorder,
  cmp,
  counter,
  ctLoad,
  dnat,
  dynset,
  fib,
  immediateData,
  immediateVerdict,
  limit,
  lookup,
  masquerade,
  metaLoad,
  metaWrite,
  notrack,
  numgen,
  payloadLoad,
  payloadWrite,
  queue,
  range,
  snat,
  tproxy,
  type Expression,
} from '../../../../src/netlink/nftables/expressions/index.js';
import { hex } from '../hex.js';

const LIMIT_DATA = `
  0c00 0100 0000000000000005       ; NFTA_LIMIT_RATE
  0c00 0200 0000000000000001       ; NFTA_LIMIT_UNIT, seconds
  0800 0300 0000000a               ; NFTA_LIMIT_BURST
  0800 0400 00000000               ; NFTA_LIMIT_TYPE NFT_LIMIT_PKTS
  0800 0500 00000001               ; NFTA_LIMIT_FLAGS NFT_LIMIT_F_INV
`;
const overLimit = limit({ packets: 5, burst: 10, over: true });

const known: { title: string; made: Expression; name: string; data: string }[] = [
  {
    title: 'meta load l4proto => reg 1',
    made: metaLoad({ key: NFT_META_L4PROTO, dreg: NFT_REG_1 }),
    name: 'meta',
    data: '0800 0200 00000010  0800 0100 00000001',
  },
  {
    title: 'meta set mark with reg 1',
    made: metaWrite({ key: NFT_META_MARK, sreg: NFT_REG_1 }),
    name: 'meta',
    data: '0800 0200 00000003  0800 0300 00000001',
  },
  {
    title: 'payload load 2b @ transport header + 0 => reg 9',
    made: payloadLoad({ base: NFT_PAYLOAD_TRANSPORT_HEADER, offset: 0, length: 2, dreg: NFT_REG32_01 }),
    name: 'payload',
    data: '0800 0100 00000009  0800 0200 00000002  0800 0300 00000000  0800 0400 00000002',
  },
  {
    title: 'payload write reg 1 => 4b @ network header + 16 csum_type 1 csum_off 10 csum_flags 0x1',
    made: payloadWrite({
      base: NFT_PAYLOAD_NETWORK_HEADER,
      offset: 16,
      length: 4,
      sreg: NFT_REG_1,
      checksumType: NFT_PAYLOAD_CSUM_INET,
      checksumOffset: 10,
      checksumFlags: NFT_PAYLOAD_L4CSUM_PSEUDOHDR,
    }),
    name: 'payload',
    data: `
      0800 0500 00000001  0800 0200 00000001  0800 0300 00000010  0800 0400 00000004
      0800 0600 00000001               ; NFTA_PAYLOAD_CSUM_TYPE
      0800 0700 0000000a               ; NFTA_PAYLOAD_CSUM_OFFSET
      0800 0800 00000001               ; NFTA_PAYLOAD_CSUM_FLAGS
    `,
  },
  {
    title: 'cmp eq reg 1 0x00001027 (port 10000)',
    made: cmp({ sreg: NFT_REG_1, op: NFT_CMP_EQ, data: hex('2710') }),
    name: 'cmp',
    data: '0800 0100 00000001  0800 0200 00000000  0c00 0380 0600 0100 27100000',
  },
  {
    title: 'cmp lte reg 1 0x00005a00',
    made: cmp({ sreg: NFT_REG_1, op: NFT_CMP_LTE, data: hex('005a') }),
    name: 'cmp',
    data: '0800 0100 00000001  0800 0200 00000003  0c00 0380 0600 0100 005a0000',
  },
  {
    title: 'range neq reg 1 0x00005100 0x00005a00',
    made: range({ sreg: NFT_REG_1, op: NFT_RANGE_NEQ, from: hex('0051'), to: hex('005a') }),
    name: 'range',
    data: '0800 0100 00000001  0800 0200 00000001  0c00 0380 0600 0100 00510000  0c00 0480 0600 0100 005a0000',
  },
  {
    title: 'bitwise reg 1 = ( reg 1 & 0x000000f0 ) ^ 0x00000000',
    made: bitwise({ sreg: NFT_REG_1, dreg: NFT_REG_1, mask: hex('f0') }),
    name: 'bitwise',
    data: `
      0800 0100 00000001  0800 0200 00000001
      0800 0300 00000001               ; NFTA_BITWISE_LEN
      0800 0600 00000000               ; NFTA_BITWISE_OP
      0c00 0480 0500 0100 f0000000     ; NFTA_BITWISE_MASK
      0c00 0580 0500 0100 00000000     ; NFTA_BITWISE_XOR
    `,
  },
  {
    title: 'immediate reg 1 0x00000007',
    made: immediateData({ dreg: NFT_REG_1, data: hex('07000000') }),
    name: 'immediate',
    data: '0800 0100 00000001  0c00 0280 0800 0100 07000000',
  },
  {
    title: 'immediate reg 0 goto -> last',
    made: immediateVerdict({ kind: 'goto', chain: 'last' }),
    name: 'immediate',
    data: '0800 0100 00000000  1c00 0280  1800 0280  0800 0100 fffffffc  0900 0200 6c61737400000000',
  },
  {
    title: 'immediate reg 0 drop',
    made: immediateVerdict({ kind: 'drop' }),
    name: 'immediate',
    data: '0800 0100 00000000  1000 0280  0c00 0280  0800 0100 00000000',
  },
  {
    title: 'lookup reg 1 set sources 0x1 (inverted)',
    made: lookup({ set: 'sources', sreg: NFT_REG_1, inverted: true }),
    name: 'lookup',
    data: '0c00 0100 736f757263657300  0800 0200 00000001  0800 0500 00000001',
  },
  {
    title: 'lookup reg 1 set vm dreg 0 (verdict map)',
    made: lookup({ set: 'vm', sreg: NFT_REG_1, dreg: NFT_REG_VERDICT }),
    name: 'lookup',
    data: '0700 0100 766d0000  0800 0200 00000001  0800 0300 00000000  0800 0500 00000000',
  },
  {
    title: 'counter pkts 2 bytes 1',
    made: counter({ packets: 2n, bytes: 1n }),
    name: 'counter',
    data: '0c00 0100 0000000000000001  0c00 0200 0000000000000002',
  },
  { title: 'limit rate 5/second burst 10 type packets flags 0x1', made: overLimit, name: 'limit', data: LIMIT_DATA },
  {
    title: 'limit rate 3/minute burst 5',
    made: limit({ packets: 3, perSeconds: 60, burst: 5 }),
    name: 'limit',
    data: `
      0c00 0100 0000000000000003  0c00 0200 000000000000003c
      0800 0300 00000005  0800 0400 00000000  0800 0500 00000000
    `,
  },
  {
    title: 'dynset update reg_key 1 set sources expr [ limit ]',
    made: dynset({ set: 'sources', op: 'update', sregKey: NFT_REG_1, attached: overLimit }),
    name: 'dynset',
    data: `
      0800 0400 00000001               ; NFTA_DYNSET_SREG_KEY
      0800 0300 00000001               ; NFTA_DYNSET_OP NFT_DYNSET_OP_UPDATE
      0c00 0100 736f757263657300       ; NFTA_DYNSET_SET_NAME "sources"
      4400 0780                        ; NFTA_DYNSET_EXPR
        0a00 0100 6c696d6974000000     ;   NFTA_EXPR_NAME "limit"
        3400 0280 ${LIMIT_DATA}
      0800 0900 00000000               ; NFTA_DYNSET_FLAGS
    `,
  },
  {
    title: 'dynset add reg_key 1 set sources sreg_data 9 timeout 5000ms',
    made: dynset({ set: 'sources', op: 'add', sregKey: NFT_REG_1, sregData: NFT_REG32_01, timeoutMs: 5000 }),
    name: 'dynset',
    data: `
      0800 0400 00000001  0800 0500 00000009  0800 0300 00000000  0c00 0100 736f757263657300
      0c00 0600 0000000000001388       ; NFTA_DYNSET_TIMEOUT
      0800 0900 00000000
    `,
  },
  {
    title: 'queue num 7, no bypass',
    made: queue(7),
    name: 'queue',
    data: '0600 0100 00070000  0600 0200 00010000  0600 0300 00000000',
  },
  {
    title: 'fib saddr . iif oif present => reg 1',
    made: fib({
      dreg: NFT_REG_1,
      result: NFT_FIB_RESULT_OIF,
      flags: NFTA_FIB_F_SADDR | NFTA_FIB_F_IIF | NFTA_FIB_F_PRESENT,
    }),
    name: 'fib',
    data: '0800 0100 00000001  0800 0200 00000001  0800 0300 00000029',
  },
  {
    title: 'numgen reg 9 = random mod 254 offset 1',
    made: numgen({ dreg: NFT_REG32_01, modulus: 254, offset: 1 }),
    name: 'numgen',
    data: `
      0800 0100 00000009               ; NFTA_NG_DREG
      0800 0200 000000fe               ; NFTA_NG_MODULUS
      0800 0300 00000001               ; NFTA_NG_TYPE NFT_NG_RANDOM
      0800 0400 00000001               ; NFTA_NG_OFFSET
    `,
  },
  {
    title: 'byteorder reg 1 = hton(reg 1, 4, 4)',
    made: byteorder({ sreg: NFT_REG_1, dreg: NFT_REG_1, op: NFT_BYTEORDER_HTON, length: 4, size: 4 }),
    name: 'byteorder',
    data: '0800 0100 00000001  0800 0200 00000001  0800 0300 00000001  0800 0400 00000004  0800 0500 00000004',
  },
  {
    title: 'ct load status => reg 1',
    made: ctLoad({ key: NFT_CT_STATUS, dreg: NFT_REG_1 }),
    name: 'ct',
    data: '0800 0100 00000001  0800 0200 00000002',
  },
  { title: 'notrack', made: notrack(), name: 'notrack', data: '' },
  {
    title: 'tproxy port reg 1',
    made: tproxy({ family: 'inet', portRegister: NFT_REG_1 }),
    name: 'tproxy',
    data: '0800 0100 00000000  0800 0300 00000001',
  },
  {
    title: 'nat snat ip6 addr_min reg 1 (and the same for its end)',
    made: snat({ family: 'ip6', addressRegister: NFT_REG_1 }),
    name: 'nat',
    data: `
      0800 0100 00000000               ; NFTA_NAT_TYPE NFT_NAT_SNAT
      0800 0200 0000000a               ; NFTA_NAT_FAMILY NFPROTO_IPV6
      0800 0300 00000001  0800 0400 00000001
      0800 0700 00000001               ; NFTA_NAT_FLAGS NF_NAT_RANGE_MAP_IPS
    `,
  },
  {
    title: 'nat dnat ip addr_min reg 1 proto_min reg 2 proto_max reg 3',
    made: dnat({ family: 'ip', addressRegister: NFT_REG_1, ports: { from: NFT_REG_2, to: NFT_REG_3 } }),
    name: 'nat',
    data: `
      0800 0100 00000001  0800 0200 00000002
      0800 0300 00000001  0800 0400 00000001
      0800 0500 00000002  0800 0600 00000003
      0800 0700 00000003               ; … | NF_NAT_RANGE_PROTO_SPECIFIED
    `,
  },
  { title: 'masq', made: masquerade(), name: 'masq', data: '' },
  {
    title: 'masq proto_min reg 1 proto_max reg 2 flags 0x2',
    made: masquerade({ from: NFT_REG_1, to: NFT_REG_2 }),
    name: 'masq',
    data: '0800 0100 00000002  0800 0200 00000001  0800 0300 00000002',
  },
];

describe('expressions in bytes', () => {
  for (const { title, made, name, data } of known) {
    it(title, () => {
      assert.deepEqual({ name: made.name, data: made.data.toString('hex') }, { name, data: hex(data).toString('hex') });
    });
  }
});

describe('a draw of the kernel', () => {
  it('of numbers that leave 32 bits is refused here, for there they would wrap', () => {
    for (const draw of [
      { modulus: 0 },
      { modulus: 2 ** 32 },
      { modulus: 2, offset: 0xffffffff },
      { modulus: 1, offset: -1 },
    ]) {
      assert.throws(() => numgen({ dreg: NFT_REG_1, ...draw }), RangeError);
    }
  });
});
