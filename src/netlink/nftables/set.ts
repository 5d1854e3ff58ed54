import { AttributeDecoder, attribute, be32, be64, nested, text } from '../attributes.js';
import {
  NFTA_SET_DATA_LEN,
  NFTA_SET_DATA_TYPE,
  NFTA_SET_DESC,
  NFTA_SET_DESC_SIZE,
  NFTA_SET_FLAGS,
  NFTA_SET_HANDLE,
  NFTA_SET_ID,
  NFTA_SET_KEY_LEN,
  NFTA_SET_KEY_TYPE,
  NFTA_SET_NAME,
  NFTA_SET_TABLE,
  NFTA_SET_TIMEOUT,
  NFTA_SET_USERDATA,
  NFTNL_UDATA_SET_COMMENT,
  NFTNL_UDATA_SET_DATABYTEORDER,
  NFTNL_UDATA_SET_KEYBYTEORDER,
  NFT_DATA_VERDICT,
  NFT_SET_EVAL,
  NFT_SET_INTERVAL,
  NFT_SET_MAP,
  NFT_SET_TIMEOUT,
} from './constants.js';
import { typeNumber, typesByteOrder, typesLength, typesOfNumber, type DataType } from './data-type.js';
import { decoded, faulty, type Decoded } from './decoded.js';
import type { Family } from './message.js';
import { commentEntry, decodeComment, userdataEntry } from './userdata.js';

/** Names a set or map. With the types of its key at hand, errors name its elements in words. */
export interface SetRef {
  readonly family: Family;
  readonly table: string;
  readonly name: string;
  /** One type, or the fields of a concatenation. */
  readonly key?: readonly DataType[];
}

/** A set to be made; with `data` a map. */
export interface SetSpec extends SetRef {
  readonly key: readonly DataType[];
  readonly data?: readonly DataType[] | 'verdict';
  /** Elements may have timeouts of their own. Implied by `defaultTimeoutMs`. */
  readonly timeouts?: boolean;
  /** For elements that come without a timeout. */
  readonly defaultTimeoutMs?: number;
  /** Elements are ranges: each begins with its key, and another one with `isIntervalEnd` has the first key behind it. */
  readonly intervals?: boolean;
  /** Rules may add elements (`dynset`); then give a `size`, or packets decide how much memory the set takes. */
  readonly dynamic?: boolean;
  /** Elements at most; one more is refused with ENFILE. */
  readonly size?: number;
  /** Shown by `nft list`; up to 127 bytes. */
  readonly comment?: string;
}

/** A set or map as the kernel has it. */
export interface NftablesSet {
  readonly family: Family;
  readonly table: string;
  readonly name: string;
  readonly handle: bigint;
  /** NFT_SET_*. */
  readonly flags: number;
  /** undefined where a type is not among ours. */
  readonly key: readonly DataType[] | undefined;
  readonly keyLength: number;
  /** undefined in a set, and where a type is not among ours. */
  readonly data: readonly DataType[] | 'verdict' | undefined;
  readonly intervals: boolean;
  readonly timeouts: boolean;
  readonly defaultTimeoutMs: number | undefined;
  readonly dynamic: boolean;
  readonly size: number | undefined;
  readonly comment: string | undefined;
}

// enum byteorder of nft's include/datatype.h, in the user data of a set
const BYTEORDER_INVALID = 0;
const BYTEORDER_HOST_ENDIAN = 1;
const BYTEORDER_BIG_ENDIAN = 2;

/**
 *     NFTA_SET_TABLE        text
 *     NFTA_SET_NAME         text
 *     NFTA_SET_FLAGS        be32 NFT_SET_*
 *     NFTA_SET_KEY_TYPE     be32
 *     NFTA_SET_KEY_LEN      be32
 *     [NFTA_SET_DATA_TYPE   be32, NFT_DATA_VERDICT for verdicts           maps only, these two
 *      NFTA_SET_DATA_LEN    be32, 0 for verdicts]
 *     NFTA_SET_ID           be32, of this batch
 *     [NFTA_SET_DESC { NFTA_SET_DESC_SIZE be32 }]
 *     [NFTA_SET_TIMEOUT     be64 milliseconds]
 *     NFTA_SET_USERDATA     { byte orders of key and data, comment }
 *
 * @param id tells the sets of one batch apart; the kernel insists on it
 */
export function encodeSet(set: SetSpec, id: number): Buffer[] {
  const attributes = [
    ...encodeSetRef(set),
    be32(NFTA_SET_FLAGS, setFlags(set)),
    be32(NFTA_SET_KEY_TYPE, typeNumber(set.key)),
    be32(NFTA_SET_KEY_LEN, typesLength(set.key)),
  ];
  if (set.data !== undefined) {
    attributes.push(
      be32(NFTA_SET_DATA_TYPE, set.data === 'verdict' ? NFT_DATA_VERDICT : typeNumber(set.data)),
      be32(NFTA_SET_DATA_LEN, set.data === 'verdict' ? 0 : typesLength(set.data)),
    );
  }
  attributes.push(be32(NFTA_SET_ID, id));
  if (set.size !== undefined) attributes.push(nested(NFTA_SET_DESC, [be32(NFTA_SET_DESC_SIZE, set.size)]));
  if (set.defaultTimeoutMs !== undefined) attributes.push(be64(NFTA_SET_TIMEOUT, BigInt(set.defaultTimeoutMs)));
  attributes.push(attribute(NFTA_SET_USERDATA, encodeUserdata(set)));
  return attributes;
}

/** What deletes or asks for a set. */
export const encodeSetRef = (set: SetRef): Buffer[] => [text(NFTA_SET_TABLE, set.table), text(NFTA_SET_NAME, set.name)];

/** What asks for the sets of a table. */
export const encodeSetsFilter = (table: string): Buffer[] => [text(NFTA_SET_TABLE, table)];

export function decodeSet(family: Family, bytes: Buffer): Decoded<NftablesSet> {
  const attributes = new AttributeDecoder(bytes);
  const table = attributes.text(NFTA_SET_TABLE);
  const name = attributes.text(NFTA_SET_NAME);
  const handle = attributes.be64(NFTA_SET_HANDLE);
  const flags = attributes.be32(NFTA_SET_FLAGS) ?? 0;
  const keyType = attributes.be32(NFTA_SET_KEY_TYPE) ?? 0;
  const keyLength = attributes.be32(NFTA_SET_KEY_LEN);
  const dataType = attributes.be32(NFTA_SET_DATA_TYPE);
  const timeoutMs = attributes.be64(NFTA_SET_TIMEOUT);
  const description = attributes.nested(NFTA_SET_DESC);
  const size = description?.be32(NFTA_SET_DESC_SIZE);
  const comment = decodeComment(attributes.bytes(NFTA_SET_USERDATA), NFTNL_UDATA_SET_COMMENT);
  const fault = attributes.fault ?? description?.fault;
  if (fault !== undefined) return faulty(fault);
  if (table === undefined || name === undefined || handle === undefined || keyLength === undefined) {
    return faulty('a set without table, name, handle or key length');
  }
  return decoded({
    family,
    table,
    name,
    handle,
    flags,
    key: typesOfNumber(keyType),
    keyLength,
    data: (flags & NFT_SET_MAP) === 0 ? undefined : decodeDataType(dataType),
    intervals: (flags & NFT_SET_INTERVAL) !== 0,
    timeouts: (flags & NFT_SET_TIMEOUT) !== 0,
    defaultTimeoutMs: timeoutMs === undefined || timeoutMs === 0n ? undefined : Number(timeoutMs),
    dynamic: (flags & NFT_SET_EVAL) !== 0,
    size: size === 0 ? undefined : size,
    comment,
  });
}

const decodeDataType = (number: number | undefined): DataType[] | 'verdict' | undefined =>
  number === NFT_DATA_VERDICT ? 'verdict' : number === undefined ? undefined : typesOfNumber(number);

function setFlags(set: SetSpec): number {
  const hasTimeouts = set.timeouts === true || set.defaultTimeoutMs !== undefined;
  return (
    (set.intervals === true ? NFT_SET_INTERVAL : 0) |
    (set.data === undefined ? 0 : NFT_SET_MAP) |
    (hasTimeouts ? NFT_SET_TIMEOUT : 0) |
    (set.dynamic === true ? NFT_SET_EVAL : 0)
  );
}

function encodeUserdata(set: SetSpec): Buffer {
  const entries = [userdataEntry(NFTNL_UDATA_SET_KEYBYTEORDER, byteOrder(set.key))];
  if (set.data !== undefined) {
    entries.push(userdataEntry(NFTNL_UDATA_SET_DATABYTEORDER, byteOrder(set.data === 'verdict' ? [] : set.data)));
  }
  if (set.comment !== undefined) entries.push(commentEntry(NFTNL_UDATA_SET_COMMENT, set.comment));
  return Buffer.concat(entries);
}

/** As nft writes it: a number of 4 bytes in host order. */
function byteOrder(types: readonly DataType[]): Buffer {
  const order = typesByteOrder(types);
  const number = { host: BYTEORDER_HOST_ENDIAN, network: BYTEORDER_BIG_ENDIAN, none: BYTEORDER_INVALID };
  return Buffer.of(number[order ?? 'none'], 0, 0, 0);
}
