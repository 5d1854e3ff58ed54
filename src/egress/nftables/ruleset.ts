/**
 * The egress table of a daemon:
 *
 *     early (prerouting, before tracking)   only with per=packet: to an address of its pool → back to its tunnel,
 *                                           out of one of its tunnels → not tracked
 *     enter (prerouting, last)              out of one of our tunnels: turned back and marked, for the guard (egress/guard/)
 *     leave (postrouting, nat)              the first packet of a connection out of a tunnel → its policies
 *     check (postrouting, last)             its source translated, an answer, or the host's own → passes
 *                                           else out of a tunnel → its policies once more: passthrough passes,
 *                                           per=packet is mapped here, and nothing else leaves as it is
 *
 * What passes the check loses the mark: a packet that met `enter` while there were rules, and none any more behind it,
 * still has it, and ends in the backstop (backstop.ts).
 *
 * What a packet costs doesn't grow with tunnels: each hook looks the device up once. Of a single tunnel device and peer
 * are compared instead, which costs less; and what only per=packet needs is there only with it.
 */
import {
  IPS_SRC_NAT,
  IP_CT_DIR_REPLY,
  NFT_CMP_EQ,
  NFT_CT_DIRECTION,
  NFT_META_IIFNAME,
  NFT_PAYLOAD_NETWORK_HEADER,
  cmp,
  counter,
  ctLoad,
  immediateVerdict,
  lookup,
  metaLoad,
  payloadLoad,
  type Expression,
} from '../../netlink/nftables/expressions/index.js';
import type { BaseChain } from '../../netlink/nftables/chain.js';
import { NFT_REG_1, NFT_REG_VERDICT, NF_IP_PRI_NAT_SRC } from '../../netlink/nftables/constants.js';
import { encodeFields } from '../../netlink/nftables/data-type.js';
import type { ElementSpec } from '../../netlink/nftables/element.js';
import { addressBytes, FAMILIES, type IpAddress } from '../address.js';
import type { Policy } from '../policy.js';
import type { Unusable } from '../usable.js';
import { gotoChain } from './draw-chains.js';
import { outOfTunnels } from './out-of-tunnels.js';
import {
  addressIsNot,
  addressPlace,
  asForThisHost,
  connectionHas,
  familyIs,
  hasEgressMark,
  inputDeviceIs,
  isFromThisHost,
  isToMulticast,
  letAsItIs,
  letTranslated,
  setEgressMark,
} from './matches.js';
import {
  CHAIN_CHECK,
  CHAIN_EARLY,
  CHAIN_LEAVE,
  CHAIN_ENTER,
  CHECK,
  CHECK_PRIORITY,
  EARLY,
  EARLY_PRIORITY,
  FAMILY,
  heldMap,
  LEAVE,
  ENTER_PRIORITY,
  RETURN,
} from './names.js';
import {
  addProgram,
  checkChain,
  earlyChain,
  hasPacketPolicy,
  leaveChain,
  programKey,
  slotBytes,
  type Program,
} from './programs.js';
import { addReturns } from './returns.js';
import { TableBuilder, type ElementSink } from './table-builder.js';
import type { TunnelEgress } from './tunnel-egress.js';

/** An address that a tunnel holds for one of its policies. */
export interface HeldAddress {
  readonly device: string;
  /** The policy's place in the list. */
  readonly index: number;
  readonly address: IpAddress;
}

export interface EgressSettings {
  readonly table: string;
  readonly comment: string;
  readonly tunnels: readonly TunnelEgress[];
  readonly held: readonly HeldAddress[];
  readonly unusable: Unusable;
}

/** Adds the whole table to the batch, or to a record of it. A table of that name must not be there. */
export function addEgressTable(sink: ElementSink, settings: EgressSettings): void {
  const { table: name, comment, tunnels, held, unusable } = settings;
  sink.addTable({ family: FAMILY, name, comment });
  const table = new TableBuilder(sink, name);
  const programs = new Map<string, Program>();
  const programOf = (policies: readonly Policy[]): Program => {
    const key = programKey(policies);
    const program = programs.get(key) ?? { policies, name: `p${programs.size + 1}` };
    programs.set(key, program);
    return program;
  };
  const packetTunnels = tunnels.filter(({ policies }) => hasPacketPolicy(policies));
  const [first, second] = tunnels;
  const only = second === undefined ? first : undefined;
  /** The tests that lead packets of each tunnel on to its program. */
  const dispatch = (set: string, chain: (program: Program) => string, list = tunnels): Expression[] => {
    if (only !== undefined) return [...inputDeviceIs(only.device), gotoChain(chain(programOf(only.policies)))];
    const verdict = ({ policies }: TunnelEgress) => ({ kind: 'goto', chain: chain(programOf(policies)) }) as const;
    table.set(
      { name: set, key: ['ifname'], data: 'verdict' },
      list.map((tunnel) => ({ key: deviceKey(tunnel.device), data: verdict(tunnel) })),
    );
    return [inputDevice, toChain(set)];
  };

  for (const family of FAMILIES) {
    table.set(heldMap(name, family), heldElements(held.filter(({ address }) => address.family === family)));
  }
  if (packetTunnels.length > 0) table.chain(CHAIN_EARLY, base('filter', 'prerouting', EARLY_PRIORITY));
  table.chain(CHAIN_ENTER, base('filter', 'prerouting', ENTER_PRIORITY));
  table.chain(CHAIN_LEAVE, base('nat', 'postrouting', NF_IP_PRI_NAT_SRC));
  table.chain(CHAIN_CHECK, base('filter', 'postrouting', CHECK_PRIORITY));
  const early = packetTunnels.length === 0 ? undefined : dispatch(EARLY, earlyChain, packetTunnels);
  const [leave, check] = [dispatch(LEAVE, leaveChain), dispatch(CHECK, checkChain)];
  for (const program of programs.values()) addProgram(table, program, unusable);
  if (early !== undefined) addReturns(table, CHAIN_EARLY, packetTunnels, unusable.own);

  addEnter(table, tunnels);
  if (early !== undefined) addWaysBack(table);
  if (early !== undefined) table.rule(CHAIN_EARLY, undefined, early);
  // Tunnels hand what they have wrapped up on with themselves as its input device, and the first of it may be the first
  // packet of its connection: it leaves from the host's own address, as the tunnel has it, or its peer hears nothing.
  addHostsOwn(table, CHAIN_LEAVE, only);
  table.rule(CHAIN_LEAVE, undefined, leave);
  addTranslated(table);
  // Neighbour discovery is the host's own, and has the device it leaves by for the one it came in by.
  addHostsOwn(table, CHAIN_CHECK, only);
  // What a multicast router leads on comes here without the device it came in by, and no policy is about it.
  for (const family of FAMILIES) {
    table.rule(CHAIN_CHECK, 'multicast', [...hasEgressMark(), ...isToMulticast(family), counter(), drop]);
  }
  table.rule(CHAIN_CHECK, undefined, check);
  table.finish();
}

/** As elements of the maps HELD. */
export const heldElements = (held: readonly HeldAddress[]): ElementSpec[] =>
  held.map(({ device, index, address }) => ({
    key: Buffer.concat([deviceKey(device), slotBytes(index)]),
    data: addressBytes(address),
  }));

function addEnter(table: TableBuilder, tunnels: readonly TunnelEgress[]): void {
  table.rule(CHAIN_ENTER, 'out of a tunnel', [...outOfTunnels(table, tunnels), ...asForThisHost(), ...setEgressMark()]);
}

function addWaysBack(table: TableBuilder): void {
  for (const family of FAMILIES) {
    const { offset, length } = addressPlace(family, 'destination');
    table.rule(CHAIN_EARLY, 'back to a tunnel', [
      ...familyIs(family),
      payloadLoad({ base: NFT_PAYLOAD_NETWORK_HEADER, offset, length, dreg: NFT_REG_1 }),
      toChain(RETURN[family]),
    ]);
  }
}

function addTranslated(table: TableBuilder): void {
  table.rule(CHAIN_CHECK, 'translated', [...connectionHas(IPS_SRC_NAT, true), ...letTranslated()]);
  table.rule(CHAIN_CHECK, 'an answer', [
    ctLoad({ key: NFT_CT_DIRECTION, dreg: NFT_REG_1 }),
    cmp({ sreg: NFT_REG_1, op: NFT_CMP_EQ, data: Buffer.of(IP_CT_DIR_REPLY) }),
    ...letAsItIs(),
  ]);
}

/** Whose a source is takes a look at the routes, as much as all the rest; what the only peer sends needs none. */
function addHostsOwn(table: TableBuilder, chain: string, only: TunnelEgress | undefined): void {
  const comment = "the host's own";
  for (const family of FAMILIES) {
    const peer = only?.inner[family];
    const unlessPeer = peer === undefined ? [] : addressIsNot('source', peer);
    table.rule(chain, comment, [...familyIs(family), ...unlessPeer, ...isFromThisHost(), accept]);
  }
}

const accept = immediateVerdict({ kind: 'accept' });
const drop = immediateVerdict({ kind: 'drop' });
const inputDevice = metaLoad({ key: NFT_META_IIFNAME, dreg: NFT_REG_1 });
const toChain = (map: string): Expression => lookup({ set: map, sreg: NFT_REG_1, dreg: NFT_REG_VERDICT });
const deviceKey = (device: string): Buffer => encodeFields(['ifname'], [device]);

const base = (type: BaseChain['type'], hook: BaseChain['hook'], priority: number): BaseChain => ({
  type,
  hook,
  priority,
  policy: 'accept',
});
