/**
 * The ruleset of a tunnel: the only way from the wire to its link and back.
 *
 *     prerouting (raw)    out of the tunnel, neither the peer's nor routed back through it → drop
 *     input (30)          an inner packet as below, of a length that none of the others has → to the internal address
 *                         UDP to the outer address and port                               → outer
 *       outer             a token's length and first bytes                                → auth
 *                         a signed packet's length, no inner packet of that length        → auth
 *                         an inner packet, source in `endpoints`                          → to the internal address
 *                         of IPv6 only if the peer may have sent it, otherwise            → drop
 *                         anything else: of a signed packet's length                      → auth
 *                                        where nothing is asked for (scheme none)         → auth
 *                                        otherwise                                        → drop
 *       auth              out of the tunnel                                               → drop
 *                         source in `endpoints`                                           → auth-bound
 *                         within the budgets of its source and of all → queue; otherwise  → drop
 *       auth-bound        within the budget of its endpoint → queue; otherwise            → drop
 *     input, behind it    to the internal address                                         → drop
 *     output (raw)        from the internal address and our port                          → from the outer address
 *                         an ICMP error from the internal address                         → queue, as a sign to us
 *
 * The input chain stands behind the host's own filters (0, firewalld's +10): the administrator has the first word, the
 * packet is whole, and connection tracking, where it is active, has seen the address on the wire. The output chain
 * stands before connection tracking for the same reason. What is data and what is auth is decided as by
 * `core/classifier.ts`, and tested against it. Data packets pass the fewest rules, and what is of one value in a table is
 * compared, not looked up in a set: with several tunnels in one table, their devices and addresses are to become sets.
 */
import { SIGNED_PACKET_LENGTH } from '../../../auth/constants.js';
import {
  innerLengthOffset,
  signedLengthField,
  TOKEN_PREFIX_LENGTH,
  type ClassifierScheme,
} from '../../../core/classifier.js';
import type { ChainRef } from '../../../netlink/nftables/chain.js';
import type { WordedRule } from '../../../netlink/nftables/commands.js';
import { NF_IP_PRI_RAW } from '../../../netlink/nftables/constants.js';
import type { RulesetSink } from '../../../netlink/nftables/recorded-table.js';
import type { OuterSide } from '../../common/outer-path.js';
import { BOUND_BUDGET, SOURCE_BUDGET, TOTAL_BUDGET } from '../../common/auth-budgets.js';
import type { FilteredTunnel } from '../filter.js';
import type { Clause } from './clause.js';
import {
  destinationIs,
  firstNibbleIs,
  innerSource6IsIn,
  inputDeviceIs,
  isIcmp,
  lengthIs,
  lengthIsNot,
  payloadHas,
  payloadHasNot,
  sourceIs,
  sourceIsNot,
  sourceNotRoutedBack,
  udpFrom,
  udpTo,
} from './matches.js';
import {
  BOUND_RATES,
  CHAIN_AUTH,
  CHAIN_AUTH_BOUND,
  CHAIN_INPUT,
  CHAIN_OUTER,
  CHAIN_OUTPUT,
  CHAIN_PREROUTING,
  DROPPED,
  ENDPOINTS,
  FAMILY,
  inTable,
  SOURCE_RATES,
} from './names.js';
import { boundRatesOf, endpointsOf, RATE_MEMORY_MS, sourceRatesOf } from './sets.js';
import {
  accept,
  count,
  destinationBySource,
  drop,
  goto,
  over,
  overOfAddress,
  overOfEndpoint,
  setSource,
  toQueue,
} from './statements.js';

/** Behind filter (0) and firewalld's chains (+10). */
const INPUT_PRIORITY = 30;

const IPV4 = 4;
const IPV6 = 6;

export interface RulesetSettings {
  readonly table: string;
  readonly comment: string;
  readonly outer: OuterSide;
  readonly tunnel: FilteredTunnel;
  /** What auth packets look like on this port. */
  readonly schemes: readonly ClassifierScheme[];
  /** Without one auth packets are dropped. */
  readonly queueNumber: number | undefined;
  /** Whether the rules count packets; absent: yes. */
  readonly counters?: boolean | undefined;
}

/** What the table is built into: a change that can say what it is, a batch, or a record. */
type WordedSink = RulesetSink<WordedRule>;

/** Adds the whole table to the batch, with no endpoint in it. A table of that name must not be there. */
export function addRuleset(batch: WordedSink, settings: RulesetSettings): void {
  const { table } = settings;
  batch.addTable({ family: FAMILY, name: table, comment: settings.comment });
  for (const set of [endpointsOf, boundRatesOf, sourceRatesOf]) batch.addSet(set(table));

  const base = (hook: 'prerouting' | 'input' | 'output', priority: number) =>
    ({ type: 'filter', hook, priority, policy: 'accept' }) as const;
  batch.addChain({ ...inTable(table, CHAIN_AUTH_BOUND) });
  batch.addChain({ ...inTable(table, CHAIN_AUTH) });
  batch.addChain({ ...inTable(table, CHAIN_OUTER) });
  batch.addChain({ ...inTable(table, CHAIN_PREROUTING), base: base('prerouting', NF_IP_PRI_RAW) });
  batch.addChain({ ...inTable(table, CHAIN_INPUT), base: base('input', INPUT_PRIORITY) });
  batch.addChain({ ...inTable(table, CHAIN_OUTPUT), base: base('output', NF_IP_PRI_RAW) });

  const add = adder(batch, settings);
  addAuthRules(add, settings);
  addOuterRules(add, settings);
  // What costs least comes first; asking for a route costs more than all the rest, and what the peer sends needs none.
  add(CHAIN_PREROUTING, DROPPED.foreignInnerSource, [
    sourceIsNot(settings.tunnel.peerAddress),
    inputDeviceIs(settings.tunnel.device),
    sourceNotRoutedBack(),
    count,
    drop,
  ]);
  addWireRules(add, settings);
}

/** What the rules of a table are replaced by: a batch, or a change that can say what it is. */
type MoveSink = Pick<WordedSink, 'addRule'> & { flushChain(chain: ChainRef): unknown };

type Wire = Pick<RulesetSettings, 'outer' | 'tunnel' | 'schemes' | 'queueNumber'>;

/** Replaces what names the outer address, in place: endpoints and counters of the rest stay. */
export function moveRuleset(batch: MoveSink, settings: Place & Wire): void {
  batch.flushChain(inTable(settings.table, CHAIN_INPUT));
  batch.flushChain(inTable(settings.table, CHAIN_OUTPUT));
  addWireRules(adder(batch, settings), settings);
}

type AddRule = (chain: string, comment: string, clauses: readonly Clause[]) => void;

type Place = Pick<RulesetSettings, 'table' | 'counters'>;

const adder =
  (batch: Pick<WordedSink, 'addRule'>, { table, counters = true }: Place): AddRule =>
  (chain, comment, all) => {
    const clauses = counters ? all : all.filter((clause) => clause !== count);
    const expressions = clauses.flatMap((clause) => clause.expressions);
    const text = clauses.map((clause) => clause.text).join(' ');
    batch.addRule({ family: FAMILY, table, chain, comment, expressions, text });
  };

function addWireRules(add: AddRule, { outer, tunnel, schemes, queueNumber }: Wire): void {
  const { internal } = tunnel;
  // What comes out of the tunnel passes here as well, and fails at the first.
  const ofTheTunnel = [
    destinationIs(outer.address),
    udpTo(outer.port),
    ...(outer.device === undefined ? [] : [inputDeviceIs(outer.device)]),
  ];
  // Most packets are data that can't be anything else. They are let through at once, as `outer` would.
  add(CHAIN_INPUT, DATA, [...ofTheTunnel, ...lengthsOfAuth(schemes).map(lengthIsNot), ...DATA_OF_A_BOUND_ENDPOINT]);
  add(CHAIN_INPUT, 'packets of the tunnel', [...ofTheTunnel, goto(CHAIN_OUTER)]);
  // Nobody is routed there; should somebody bring the route back, it leads no further than here.
  add(CHAIN_INPUT, DROPPED.toInternal, [destinationIs(internal), count, drop]);
  add(CHAIN_OUTPUT, 'out by the outer address', [
    sourceIs(internal),
    udpFrom(outer.port),
    setSource(outer.address),
    accept,
  ]);
  // The kernel complains to the peer that the port is closed when the listener is gone. We are the ones who can help.
  add(CHAIN_OUTPUT, 'a complaint from inside', [
    isIcmp(),
    sourceIs(internal),
    count,
    queueNumber === undefined ? drop : toQueue(queueNumber),
  ]);
}

const DATA = 'inner packet of a bound endpoint';
/** If it is of a bound endpoint. */
const LET_IN = [destinationBySource(ENDPOINTS), count, accept];
const DATA_OF_A_BOUND_ENDPOINT = [firstNibbleIs(IPV4), ...LET_IN];

/** Payload lengths of which a packet that looks like an inner one may authenticate. */
function lengthsOfAuth(schemes: readonly ClassifierScheme[]): number[] {
  const lengths = schemes.flatMap((scheme) => {
    if (scheme.kind === 'none') return [];
    return scheme.kind === 'token' ? scheme.token.length : SIGNED_PACKET_LENGTH;
  });
  return [...new Set(lengths)];
}

/**
 * What stands for a token's first bytes in the words of a rule: words are logged, and a token is a secret. As a variable
 * it leaves them a command that nft takes (`nft -D token=0x… -f`).
 */
export const tokenVariable = (index: number): string => (index === 0 ? '$token' : `$token${index + 1}`);

function addOuterRules(add: AddRule, { schemes, tunnel }: Pick<RulesetSettings, 'schemes' | 'tunnel'>): void {
  const anything = schemes.some(({ kind }) => kind === 'none');
  const signed = schemes.some(({ kind }) => kind === 'ed25519');
  for (const [index, { token }] of schemes.filter((scheme) => scheme.kind === 'token').entries()) {
    add(CHAIN_OUTER, 'token', [
      lengthIs(token.length),
      payloadHas(0, token.subarray(0, TOKEN_PREFIX_LENGTH), tokenVariable(index)),
      goto(CHAIN_AUTH),
    ]);
  }
  if (signed) {
    for (const version of tunnel.sources6 === undefined ? ([IPV4] as const) : ([IPV4, IPV6] as const)) {
      const length = signedLengthField(version);
      add(CHAIN_OUTER, 'signed, like an inner packet but for its length', [
        lengthIs(SIGNED_PACKET_LENGTH),
        firstNibbleIs(version),
        payloadHasNot(innerLengthOffset(version), Buffer.of(length >> 8, length & 0xff)),
        goto(CHAIN_AUTH),
      ]);
    }
  }
  add(CHAIN_OUTER, DATA, DATA_OF_A_BOUND_ENDPOINT);
  // The header is at hand here, before anything is taken off, and no route has to be asked for.
  for (const network of tunnel.sources6?.denied ?? []) {
    add(CHAIN_OUTER, DROPPED.foreignInnerSource, [firstNibbleIs(IPV6), innerSource6IsIn(network), count, drop]);
  }
  for (const network of tunnel.sources6?.allowed ?? []) {
    add(CHAIN_OUTER, 'inner IPv6 packet of a bound endpoint', [
      firstNibbleIs(IPV6),
      ...(network.prefixLength === 0 ? [] : [innerSource6IsIn(network)]),
      ...LET_IN,
    ]);
  }
  if (tunnel.sources6 !== undefined) {
    add(CHAIN_OUTER, DROPPED.foreignInnerSource, [firstNibbleIs(IPV6), destinationBySource(ENDPOINTS), count, drop]);
  }
  if (anything) {
    add(CHAIN_OUTER, 'anything authenticates', [goto(CHAIN_AUTH)]);
    return;
  }
  add(CHAIN_OUTER, DROPPED.stranger, [firstNibbleIs(IPV4), count, drop]);
  if (tunnel.sources6 !== undefined) add(CHAIN_OUTER, DROPPED.stranger, [firstNibbleIs(IPV6), count, drop]);
  if (signed) add(CHAIN_OUTER, 'signed', [lengthIs(SIGNED_PACKET_LENGTH), goto(CHAIN_AUTH)]);
  add(CHAIN_OUTER, DROPPED.neither, [count, drop]);
}

function addAuthRules(add: AddRule, { queueNumber, tunnel }: Pick<RulesetSettings, 'queueNumber' | 'tunnel'>): void {
  if (queueNumber === undefined) {
    add(CHAIN_AUTH, DROPPED.noQueue, [count, drop]);
    return;
  }
  // What comes out of a tunnel must not point one into itself.
  add(CHAIN_AUTH, DROPPED.fromInside, [inputDeviceIs(tunnel.device), count, drop]);
  // Linux 6.1 can ask a map only for what it gives (nft_lookup.c), and nft only where that is used. The packet ends in
  // the queue or is dropped, so its destination is of no matter any more.
  add(CHAIN_AUTH, 'of a bound endpoint', [destinationBySource(ENDPOINTS), goto(CHAIN_AUTH_BOUND)]);
  add(CHAIN_AUTH, DROPPED.overSource, [overOfAddress(SOURCE_RATES, SOURCE_BUDGET, RATE_MEMORY_MS), count, drop]);
  add(CHAIN_AUTH, DROPPED.overTotal, [over(TOTAL_BUDGET), count, drop]);
  add(CHAIN_AUTH, 'auth packet of another source', [count, toQueue(queueNumber)]);
  add(CHAIN_AUTH_BOUND, DROPPED.overBound, [overOfEndpoint(BOUND_RATES, BOUND_BUDGET, RATE_MEMORY_MS), count, drop]);
  add(CHAIN_AUTH_BOUND, 'auth packet of a bound endpoint', [count, toQueue(queueNumber)]);
}
