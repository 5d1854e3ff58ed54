/**
 * A rule of the map as nf_tables has it:
 *
 *     hook's chain       errors that quote a mapped packet  → map-N-errors     where the rule maps back
 *                        the rule's tests                   → map-N
 *       map-N            notrack, addresses; then ports, protocol by protocol; and back to the rules behind
 *     untrack-…          the same tests, as far as they can be made there → notrack     INPUT, FORWARD, POSTROUTING
 *     reassembly         never entered: has the kernel put fragments together before anything else looks at them, so
 *                        that a datagram gets one address and not one for each fragment
 */
import type { Batch } from '../../netlink/nftables/batch.js';
import type { BaseChain } from '../../netlink/nftables/chain.js';
import { NFT_REG_1 } from '../../netlink/nftables/constants.js';
import {
  counter,
  ctLoad,
  immediateData,
  immediateVerdict,
  NFT_CT_STATE,
  notrack,
  tproxy,
  type Expression,
} from '../../netlink/nftables/expressions/index.js';
import { portBytes } from '../nftables/draw-words.js';
import {
  IPPROTO_DCCP,
  IPPROTO_ICMPV6,
  isForThisHost,
  isNeighbourDiscovery,
  protocolIs,
  routedBy,
} from '../nftables/matches.js';
import { icmpErrorRules } from './icmp-errors.js';
import { mappingRules, matchesOf } from './mapping.js';
import {
  errorChain,
  errorComment,
  FAMILY,
  HOOK_CHAINS,
  hookChain,
  mappingChain,
  ORDERS,
  REASSEMBLY_CHAIN,
  ruleComment,
  TABLE,
  TABLE_MARK,
  UNTRACK_CHAINS,
  untrackComment,
} from './names.js';
import type { RandmapSpec } from './spec.js';

const inTable = { family: FAMILY, table: TABLE } as const;

/** How the kernel is made to put fragments together; the second way also switches connection tracking on. */
export type Reassembly = 'tproxy' | 'tracking';

/** The table without rules of ours; what is there of it stays. */
export function addFrame(batch: Batch, isNew: boolean, reassembly: Reassembly): void {
  batch.addTable({ family: FAMILY, name: TABLE, comment: TABLE_MARK }).addSet(ORDERS);
  if (!isNew) return;
  const expressions =
    reassembly === 'tracking'
      ? [ctLoad({ key: NFT_CT_STATE, dreg: NFT_REG_1 })]
      : [
          ...protocolIs(0),
          immediateData({ dreg: NFT_REG_1, data: portBytes(1) }),
          tproxy({ family: 'inet', portRegister: NFT_REG_1 }),
        ];
  batch.addChain({ ...inTable, name: REASSEMBLY_CHAIN });
  batch.addRule({ ...inTable, chain: REASSEMBLY_CHAIN, expressions, comment: 'fragments are put together' });
}

/** Behind those that are there. */
export function addSpec(batch: Batch, id: number, spec: RandmapSpec): void {
  const isBeforeTracking = spec.hook === 'PREROUTING' || spec.hook === 'OUTPUT';
  addBase(batch, hookChain(spec.hook), HOOK_CHAINS[spec.hook]);
  const errors = icmpErrorRules(spec, isBeforeTracking);
  const [anyError] = errors;
  if (anyError !== undefined) {
    addRules(batch, errorChain(id), anyError.actions);
    for (const { matches } of errors) {
      addRule(batch, hookChain(spec.hook), [...matches, counter(), jump(errorChain(id))], errorComment(id));
    }
  }
  addRules(batch, mappingChain(id), [...exceptions(spec), ...mappingRules(spec, isBeforeTracking)]);
  const tests = matchesOf(spec, { input: true, output: true });
  addRule(batch, hookChain(spec.hook), [...tests, counter(), jump(mappingChain(id))], ruleComment(id));
  addUntracking(batch, id, spec);
}

/** Packets that stay as they are: the kernel can't keep DCCP's checksum right, and neighbours must find each other. */
function exceptions({ protocol }: RandmapSpec): Expression[][] {
  const back = immediateVerdict({ kind: 'return' });
  return [
    ...(protocol === undefined ? [[...protocolIs(IPPROTO_DCCP), back]] : []),
    ...(protocol === undefined || protocol === IPPROTO_ICMPV6 ? [[...isNeighbourDiscovery(), back]] : []),
  ];
}

/** What is mapped at later hooks is known by the same tests before tracking, and by where it will be routed. */
function addUntracking(batch: Batch, id: number, spec: RandmapSpec): void {
  const { hook, inputDevice, outputDevice } = spec;
  if (hook === 'PREROUTING' || hook === 'OUTPUT') return;
  const untrack = (chain: keyof typeof UNTRACK_CHAINS, tests: readonly Expression[]): void => {
    addBase(batch, chain, UNTRACK_CHAINS[chain]);
    addRule(batch, chain, [...tests, notrack()], untrackComment(id));
  };
  untrack('untrack-prerouting', [
    ...matchesOf(spec, { input: true, output: false }),
    ...isForThisHost(hook === 'INPUT'),
    ...(outputDevice === undefined ? [] : routedBy(outputDevice)),
  ]);
  if (hook === 'POSTROUTING' && inputDevice === undefined) {
    untrack('untrack-output', matchesOf(spec, { input: false, output: true }));
  }
}

function addBase(batch: Batch, name: string, base: BaseChain): void {
  batch.addChain({ ...inTable, name, base });
}

function addRules(batch: Batch, chain: string, rules: readonly Expression[][]): void {
  batch.addChain({ ...inTable, name: chain });
  for (const expressions of rules) batch.addRule({ ...inTable, chain, expressions });
}

function addRule(batch: Batch, chain: string, expressions: readonly Expression[], comment: string): void {
  batch.addRule({ ...inTable, chain, expressions, comment });
}

const jump = (chain: string): Expression => immediateVerdict({ kind: 'jump', chain });
