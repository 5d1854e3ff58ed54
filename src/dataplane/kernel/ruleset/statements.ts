/** What our rules do with a packet that has passed their tests. */
import { durationText } from '../../../netlink/nftables/commands.js';
import { NFT_REG32_00, NFT_REG32_01, NFT_REG_1 } from '../../../netlink/nftables/constants.js';
import { encodeFields } from '../../../netlink/nftables/data-type.js';
import {
  counter,
  dynset,
  immediateData,
  immediateVerdict,
  limit,
  lookup,
  NFT_PAYLOAD_CSUM_INET,
  NFT_PAYLOAD_L4CSUM_PSEUDOHDR,
  NFT_PAYLOAD_NETWORK_HEADER,
  payloadWrite,
  queue,
  type Expression,
} from '../../../netlink/nftables/expressions/index.js';
import { clause, type Clause } from './clause.js';
import { IP_CHECKSUM, IP_DESTINATION, IP_SOURCE, network, transport, UDP_SOURCE_PORT } from './packet.js';

export const accept: Clause = clause('accept', immediateVerdict({ kind: 'accept' }));
export const drop: Clause = clause('drop', immediateVerdict({ kind: 'drop' }));
export const goto = (chain: string): Clause => clause(`goto ${chain}`, immediateVerdict({ kind: 'goto', chain }));
export const count: Clause = clause('counter', counter());

export const toQueue = (queueNumber: number): Clause => clause(`queue num ${queueNumber}`, queue(queueNumber));

/** Packets a second, and how many may come at once. */
export interface Budget {
  readonly packets: number;
  readonly burst: number;
}

const overText = ({ packets, burst }: Budget): string => `limit rate over ${packets}/second burst ${burst} packets`;

/** Goes on with packets beyond the budget, which all that reach the rule share. */
export const over = (budget: Budget): Clause => clause(overText(budget), limit({ ...budget, over: true }));

/** Goes on with packets beyond the budget of their source, address and port. The set remembers it. */
export const overOfEndpoint = (set: string, budget: Budget, memoryMs: number): Clause =>
  clause(
    `update @${set} { ip saddr . th sport ${rateText(budget, memoryMs)} }`,
    ...endpointKey,
    rate(set, budget, memoryMs),
  );

/** Goes on with packets beyond the budget of their source address. The set remembers it. */
export const overOfAddress = (set: string, budget: Budget, memoryMs: number): Clause =>
  clause(
    `update @${set} { ip saddr ${rateText(budget, memoryMs)} }`,
    network(IP_SOURCE, 4, KEY_REGISTER),
    rate(set, budget, memoryMs),
  );

const KEY_REGISTER = NFT_REG32_00;

/** `source address . source port` */
const endpointKey: readonly Expression[] = [
  network(IP_SOURCE, 4, KEY_REGISTER),
  transport(UDP_SOURCE_PORT, 2, NFT_REG32_01),
];

const rateText = (budget: Budget, memoryMs: number): string => `timeout ${durationText(memoryMs)} ${overText(budget)}`;

const rate = (set: string, budget: Budget, timeoutMs: number): Expression =>
  dynset({ set, op: 'update', sregKey: KEY_REGISTER, timeoutMs, attached: limit({ ...budget, over: true }) });

const writeAddress = (offset: number): Expression =>
  payloadWrite({
    sreg: NFT_REG_1,
    base: NFT_PAYLOAD_NETWORK_HEADER,
    offset,
    length: 4,
    checksumType: NFT_PAYLOAD_CSUM_INET,
    checksumOffset: IP_CHECKSUM,
    // Keeps the UDP checksum right where there is one, and leaves 0 alone.
    checksumFlags: NFT_PAYLOAD_L4CSUM_PSEUDOHDR,
  });

/** Destination := what the map gives for the source, address and port. Ends the rule where the map hasn't got it. */
export const destinationBySource = (map: string): Clause =>
  clause(
    `ip daddr set ip saddr . th sport map @${map}`,
    ...endpointKey,
    lookup({ set: map, sreg: KEY_REGISTER, dreg: NFT_REG_1 }),
    writeAddress(IP_DESTINATION),
  );

/** Source := this address. */
export const setSource = (dotted: string): Clause =>
  clause(
    `ip saddr set ${dotted}`,
    immediateData({ dreg: NFT_REG_1, data: encodeFields(['ipv4_addr'], [dotted]) }),
    writeAddress(IP_SOURCE),
  );
