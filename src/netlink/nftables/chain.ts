import { AttributeDecoder, attribute, be32, nested, text } from '../attributes.js';
import {
  NFTA_CHAIN_HANDLE,
  NFTA_CHAIN_HOOK,
  NFTA_CHAIN_NAME,
  NFTA_CHAIN_POLICY,
  NFTA_CHAIN_TABLE,
  NFTA_CHAIN_TYPE,
  NFTA_CHAIN_USERDATA,
  NFTA_HOOK_DEV,
  NFTA_HOOK_HOOKNUM,
  NFTA_HOOK_PRIORITY,
  NFTNL_UDATA_CHAIN_COMMENT,
  NF_ACCEPT,
  NF_DROP,
  NF_INET_FORWARD,
  NF_INET_INGRESS,
  NF_INET_LOCAL_IN,
  NF_INET_LOCAL_OUT,
  NF_INET_POST_ROUTING,
  NF_INET_PRE_ROUTING,
  NF_NETDEV_EGRESS,
  NF_NETDEV_INGRESS,
} from './constants.js';
import { decoded, faulty, type Decoded } from './decoded.js';
import type { Family } from './message.js';
import { commentEntry, decodeComment } from './userdata.js';

const inetHooks = {
  prerouting: NF_INET_PRE_ROUTING,
  input: NF_INET_LOCAL_IN,
  forward: NF_INET_FORWARD,
  output: NF_INET_LOCAL_OUT,
  postrouting: NF_INET_POST_ROUTING,
  ingress: NF_INET_INGRESS,
} as const;
const netdevHooks = { ingress: NF_NETDEV_INGRESS, egress: NF_NETDEV_EGRESS } as const;

/** Where packets meet a base chain. `ingress` and `egress` belong to a device; the rest are not found in `netdev`. */
export type Hook = keyof typeof inetHooks | keyof typeof netdevHooks;

/** What hooks a chain into the kernel's packet path. */
export interface BaseChain {
  readonly type: 'filter' | 'nat' | 'route';
  readonly hook: Hook;
  /** Chains of one hook run in ascending order of priority. */
  readonly priority: number;
  /** What becomes of packets that leave the chain's end. */
  readonly policy: 'accept' | 'drop';
  /** The network device of an `ingress` or `egress` chain. */
  readonly device?: string;
}

/** Names a chain. */
export interface ChainRef {
  readonly family: Family;
  readonly table: string;
  readonly name: string;
}

/** A chain to be made; without `base` it is entered by jumps only. */
export interface ChainSpec extends ChainRef {
  readonly base?: BaseChain;
  /** Shown by `nft list`; up to 127 bytes. */
  readonly comment?: string;
}

/** A chain as the kernel has it. */
export interface Chain extends ChainRef {
  readonly handle: bigint;
  readonly base: BaseChain | undefined;
  readonly comment: string | undefined;
}

/**
 *     NFTA_CHAIN_TABLE      text
 *     NFTA_CHAIN_NAME       text
 *     [NFTA_CHAIN_TYPE      text "filter" | "nat" | "route"       base chains only, these three
 *      NFTA_CHAIN_POLICY    be32 NF_ACCEPT | NF_DROP
 *      NFTA_CHAIN_HOOK {
 *        NFTA_HOOK_HOOKNUM  be32
 *        NFTA_HOOK_PRIORITY be32, signed
 *        [NFTA_HOOK_DEV     text]
 *      }]
 *     [NFTA_CHAIN_USERDATA  { comment }]
 *
 * @throws RangeError for a hook that the family does not have
 */
export function encodeChain(chain: ChainSpec): Buffer[] {
  const attributes = encodeChainRef(chain);
  if (chain.base !== undefined) {
    const { type, hook, priority, policy, device } = chain.base;
    attributes.push(
      text(NFTA_CHAIN_TYPE, type),
      be32(NFTA_CHAIN_POLICY, policy === 'accept' ? NF_ACCEPT : NF_DROP),
      nested(NFTA_CHAIN_HOOK, [
        be32(NFTA_HOOK_HOOKNUM, hookNumber(chain.family, hook)),
        be32(NFTA_HOOK_PRIORITY, priority),
        ...(device === undefined ? [] : [text(NFTA_HOOK_DEV, device)]),
      ]),
    );
  }
  if (chain.comment !== undefined) {
    attributes.push(attribute(NFTA_CHAIN_USERDATA, commentEntry(NFTNL_UDATA_CHAIN_COMMENT, chain.comment)));
  }
  return attributes;
}

/** What deletes or asks for a chain. */
export const encodeChainRef = (chain: ChainRef): Buffer[] => [
  text(NFTA_CHAIN_TABLE, chain.table),
  text(NFTA_CHAIN_NAME, chain.name),
];

export function decodeChain(family: Family, bytes: Buffer): Decoded<Chain> {
  const attributes = new AttributeDecoder(bytes);
  const table = attributes.text(NFTA_CHAIN_TABLE);
  const name = attributes.text(NFTA_CHAIN_NAME);
  const handle = attributes.be64(NFTA_CHAIN_HANDLE);
  const comment = decodeComment(attributes.bytes(NFTA_CHAIN_USERDATA), NFTNL_UDATA_CHAIN_COMMENT);
  const base = attributes.has(NFTA_CHAIN_HOOK) ? decodeBase(family, attributes) : decoded(undefined);
  if (attributes.fault !== undefined) return faulty(attributes.fault);
  if (!base.ok) return base;
  if (table === undefined || name === undefined || handle === undefined) {
    return faulty('a chain without table, name or handle');
  }
  return decoded({ family, table, name, handle, base: base.value, comment });
}

function decodeBase(family: Family, attributes: AttributeDecoder): Decoded<BaseChain> {
  const hookAttributes = attributes.nested(NFTA_CHAIN_HOOK);
  const number = hookAttributes?.be32(NFTA_HOOK_HOOKNUM);
  const priority = hookAttributes?.be32(NFTA_HOOK_PRIORITY);
  const device = hookAttributes?.text(NFTA_HOOK_DEV);
  const policy = attributes.be32(NFTA_CHAIN_POLICY);
  const type = attributes.text(NFTA_CHAIN_TYPE);
  if (hookAttributes?.fault !== undefined) return faulty(hookAttributes.fault);
  const hook = hookEntries(family).find((entry) => entry[1] === number)?.[0];
  if (hook === undefined) return faulty(`a base chain at an unknown hook of family ${family}`);
  if (type !== 'filter' && type !== 'nat' && type !== 'route') return faulty('a base chain of an unknown type');
  if (priority === undefined) return faulty('a base chain without priority');
  return decoded({
    type,
    hook,
    priority: priority | 0,
    policy: policy === NF_DROP ? 'drop' : 'accept',
    ...(device === undefined ? {} : { device }),
  });
}

const hookEntries = (family: Family): [Hook, number][] =>
  Object.entries(family === 'netdev' ? netdevHooks : inetHooks) as [Hook, number][];

function hookNumber(family: Family, hook: Hook): number {
  const number = hookEntries(family).find((entry) => entry[0] === hook)?.[1];
  if (number === undefined) throw new RangeError(`family ${family} has no hook ${hook}`);
  return number;
}
