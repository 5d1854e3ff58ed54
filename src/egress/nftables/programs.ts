/**
 * Policies as rules. A list of policies is one program, whatever tunnels have it: what differs from tunnel to tunnel, the
 * addresses held, is looked up by device. So a thousand tunnels with `per=tunnel` are three chains.
 */
import { NFT_REG32_00, NFT_REG32_04, NFT_REG_3, NFT_REG_4 } from '../../netlink/nftables/constants.js';
import {
  counter,
  immediateData,
  immediateVerdict,
  lookup,
  masquerade,
  metaLoad,
  NFT_META_IIFNAME,
  notrack,
  snat,
  type Expression,
} from '../../netlink/nftables/expressions/index.js';
import { FAMILIES, type AddressFamily } from '../address.js';
import {
  decidedTransports,
  type Action,
  type PacketRotation,
  type Policy,
  type PortRange,
  type TunnelRotation,
} from '../policy.js';
import { TRANSPORTS, type Transport } from '../protocols.js';
import { usablePool, type Unusable } from '../usable.js';
import { addDraw, DRAWN_REGISTER, gotoChain, jumpTo } from './draw-chains.js';
import { drawPort, portBytes } from './draw-words.js';
import {
  familyIs,
  IPPROTO_ICMP,
  IPPROTO_ICMPV6,
  IPPROTO_TCP,
  IPPROTO_UDP,
  letAsItIs,
  letTranslated,
  outputDeviceIs,
  portIn,
  protocolIs,
  routedBy,
  writeAddress,
  writePort,
} from './matches.js';
import { HELD } from './names.js';
import { addTimeouts } from './timeouts.js';
import type { TableBuilder } from './table-builder.js';

const accept = immediateVerdict({ kind: 'accept' });
const drop = immediateVerdict({ kind: 'drop' });
const PORT_PROTOCOLS = [IPPROTO_TCP, IPPROTO_UDP];

export interface Program {
  readonly policies: readonly Policy[];
  /** Begins the names of its chains. */
  readonly name: string;
}

/** The same text for lists of policies that make the same rules. What `per=tunnel` draws from is not in the rules. */
export const programKey = (policies: readonly Policy[]): string =>
  JSON.stringify(policies, (key, value: unknown) => {
    if (typeof value === 'bigint') return value.toString();
    if (value instanceof Set) return [...(value as ReadonlySet<string>)].sort();
    const action = value as Partial<Action> | null;
    if (key !== 'action' || action?.mode !== 'rotate' || action.per !== 'tunnel') return value;
    const { pool, ports, timeouts } = action as TunnelRotation;
    return {
      mode: 'rotate',
      per: 'tunnel',
      families: FAMILIES.filter((family) => pool[family].length > 0),
      ports,
      timeouts,
    };
  });

export const hasPacketPolicy = (policies: readonly Policy[]): boolean =>
  policies.some(({ action }) => action.mode === 'rotate' && action.per === 'packet');

export const leaveChain = ({ name }: Program): string => `${name}-leave`;
export const checkChain = ({ name }: Program): string => `${name}-check`;
export const earlyChain = ({ name }: Program): string => `${name}-early`;

/** `unusable` is left out of what is drawn for connections and packets. */
export function addProgram(table: TableBuilder, program: Program, unusable: Unusable): void {
  table.chain(leaveChain(program));
  table.chain(checkChain(program));
  if (hasPacketPolicy(program.policies)) addEarly(table, program);
  program.policies.forEach((policy, index) => {
    for (const family of FAMILIES) {
      const transports = decidedTransports(policy, family);
      if (transports.size > 0) addPolicy(table, program, { policy, index, family, transports, unusable });
    }
  });
  table.rule(leaveChain(program), 'no policy is about it', [counter(), drop]);
  table.rule(checkChain(program), 'not translated', [counter(), drop]);
}

interface Place {
  readonly policy: Policy;
  readonly index: number;
  readonly family: AddressFamily;
  readonly transports: ReadonlySet<Transport>;
  readonly unusable: Unusable;
}

function addPolicy(table: TableBuilder, program: Program, place: Place): void {
  const { policy, index, family } = place;
  const comment = `policy ${index + 1}`;
  const leave = `${program.name}-${index}-${family}`;
  table.chain(leave);
  for (const tests of matches(place, outputDeviceIs)) {
    table.rule(leaveChain(program), comment, [...tests, gotoChain(leave)]);
    table.rule(checkChain(program), comment, [...tests, ...checkVerdict(policy.action, `${leave}-packet`)]);
  }
  addLeave(table, leave, place);
  if (policy.action.mode === 'rotate' && policy.action.per === 'packet') {
    addPacket(table, `${leave}-packet`, place, policy.action);
  }
}

/** What passes a translation is no more asked; what didn't is let through, mapped here, or stopped. */
function checkVerdict(action: Action, packetChain: string): Expression[] {
  if (action.mode === 'passthrough') return letAsItIs();
  return [action.mode === 'rotate' && action.per === 'packet' ? gotoChain(packetChain) : drop];
}

/** For the first packet of a connection. Falls off its end into a drop: a tunnel without an address has none to leave by. */
function addLeave(table: TableBuilder, chain: string, { policy, index, family, unusable }: Place): void {
  const { action } = policy;
  const ports = 'ports' in action ? action.ports : undefined;
  if ('timeouts' in action) addTimeouts(table, chain, family, action.timeouts);
  switch (action.mode) {
    case 'passthrough':
      table.rule(chain, undefined, [counter(), accept]);
      return;
    case 'masquerade':
      table.rule(chain, undefined, [counter(), ...loadPorts(ports), masquerade(ports && PORT_REGISTERS)]);
      return;
    case 'drop':
      break;
    case 'rotate':
      if (action.per === 'connection') {
        addDraw(table, chain, family, usablePool(action, unusable)[family], [
          ...loadPorts(ports),
          counter(),
          snat({ family, addressRegister: DRAWN_REGISTER, ...(ports && { ports: PORT_REGISTERS }) }),
        ]);
      } else if (action.per === 'tunnel') {
        table.rule(chain, undefined, [
          metaLoad({ key: NFT_META_IIFNAME, dreg: NFT_REG32_00 }),
          immediateData({ dreg: NFT_REG32_04, data: slotBytes(index) }),
          lookup({ set: HELD[family], sreg: NFT_REG32_00, dreg: NFT_REG32_00 }),
          ...loadPorts(ports),
          counter(),
          snat({ family, addressRegister: NFT_REG32_00, ...(ports && { ports: PORT_REGISTERS }) }),
        ]);
      }
  }
  table.rule(chain, 'stopped', [counter(), drop]);
}

function addPacket(table: TableBuilder, chain: string, { family, unusable }: Place, action: PacketRotation): void {
  const { ports, innerPort } = action;
  const left = usablePool(action, unusable)[family];
  table.chain(chain);
  if (left.length === 0) {
    table.rule(chain, 'none left', [counter(), drop]);
    return;
  }
  table.chain(`${chain}-draw`);
  addDraw(table, `${chain}-draw`, family, left, [writeAddress(family, 'source', DRAWN_REGISTER)]);
  table.rule(chain, undefined, [counter(), jumpTo(`${chain}-draw`)]);
  for (const protocol of ports === undefined ? [] : PORT_PROTOCOLS) {
    const inner = innerPort === undefined ? [] : portIn('source', { from: innerPort, to: innerPort });
    const draw = ports === undefined ? [] : drawPort(ports, NFT_REG32_00);
    table.rule(chain, undefined, [
      ...protocolIs(protocol),
      ...inner,
      ...draw,
      writePort(protocol, 'source', NFT_REG32_00),
    ]);
  }
  table.rule(chain, undefined, letTranslated());
}

/** Before tracking: what will be mapped packet by packet is not tracked; the rest is left to the later hooks. */
function addEarly(table: TableBuilder, program: Program): void {
  table.chain(earlyChain(program));
  for (const policy of program.policies) {
    const isPacket = policy.action.mode === 'rotate' && policy.action.per === 'packet';
    for (const family of FAMILIES) {
      const transports = decidedTransports(policy, family);
      if (transports.size === 0) continue;
      for (const tests of matches({ policy, family, transports }, routedBy)) {
        table.rule(earlyChain(program), undefined, [...tests, ...(isPacket ? [notrack()] : []), accept]);
      }
    }
  }
}

/** One list of tests for each device and protocol that the policy names. */
function matches(
  { policy, family, transports }: Pick<Place, 'policy' | 'family' | 'transports'>,
  device: (name: string) => Expression[],
): Expression[][] {
  const devices = policy.interfaces.length === 0 ? [[]] : policy.interfaces.map(device);
  const numbers = TRANSPORTS.every((one) => transports.has(one))
    ? [[]]
    : [...transports].flatMap((one) => (one === 'other' ? [] : [protocolIs(protocolNumber(one, family))]));
  return devices.flatMap((byDevice) => numbers.map((byProtocol) => [...familyIs(family), ...byDevice, ...byProtocol]));
}

function protocolNumber(transport: 'tcp' | 'udp' | 'icmp', family: AddressFamily): number {
  if (transport === 'icmp') return family === 'ip' ? IPPROTO_ICMP : IPPROTO_ICMPV6;
  return transport === 'tcp' ? IPPROTO_TCP : IPPROTO_UDP;
}

const PORT_REGISTERS = { from: NFT_REG_3, to: NFT_REG_4 } as const;

const loadPorts = (ports: PortRange | undefined): Expression[] =>
  ports === undefined
    ? []
    : [
        immediateData({ dreg: PORT_REGISTERS.from, data: portBytes(ports.from) }),
        immediateData({ dreg: PORT_REGISTERS.to, data: portBytes(ports.to) }),
      ];

/** As `encodeFields` makes a `mark`: host order. */
export function slotBytes(index: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(index);
  return bytes;
}
