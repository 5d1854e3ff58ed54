import { AttributeDecoder, attribute, be32, be64, nested, text } from '../attributes.js';
import {
  ELEMENTS_PER_MESSAGE_BYTES,
  NFTA_LIST_ELEM,
  NFTA_SET_ELEM_DATA,
  NFTA_SET_ELEM_EXPIRATION,
  NFTA_SET_ELEM_FLAGS,
  NFTA_SET_ELEM_KEY,
  NFTA_SET_ELEM_KEY_END,
  NFTA_SET_ELEM_LIST_ELEMENTS,
  NFTA_SET_ELEM_LIST_SET,
  NFTA_SET_ELEM_LIST_TABLE,
  NFTA_SET_ELEM_TIMEOUT,
  NFTA_SET_ELEM_USERDATA,
  NFTNL_UDATA_SET_ELEM_COMMENT,
  NFT_SET_ELEM_CATCHALL,
  NFT_SET_ELEM_INTERVAL_END,
} from './constants.js';
import { decodeData, encodeData, encodeValue, type Data } from './data.js';
import { decoded, faulty, type Decoded } from './decoded.js';
import type { SetRef } from './set.js';
import { commentEntry, decodeComment } from './userdata.js';

/** An element to be put into a set or map. */
export interface ElementSpec {
  /** As `encodeFields` makes it. */
  readonly key: Buffer;
  /** In maps only. */
  readonly data?: Data;
  /** In sets of intervals: the key is the first behind a range, and belongs to none. */
  readonly isIntervalEnd?: true;
  /** How long it stays; without it as long as the set says. */
  readonly timeoutMs?: number;
  /** Shown by `nft list`; up to 127 bytes. */
  readonly comment?: string;
}

/** An element as the kernel has it. */
export interface Element {
  /** Empty in the element that stands for all keys not listed. */
  readonly key: Buffer;
  /** In sets with intervals: the interval that began before this key doesn't contain it. */
  readonly isIntervalEnd?: true;
  /** The last key of a range, in concatenations with intervals. */
  readonly keyEnd?: Buffer;
  readonly isCatchAll?: true;
  readonly data: Data | undefined;
  /** undefined where it is the set's default, or none. */
  readonly timeoutMs: number | undefined;
  /** What is left of the timeout; undefined where the element stays for good. */
  readonly expirationMs: number | undefined;
  readonly comment: string | undefined;
}

/** The elements that go into one message, and where each of them stands: errors name it by that. */
export interface ElementChunk {
  readonly attributes: readonly Buffer[];
  /** Index of the chunk's first element in the list given. */
  readonly firstIndex: number;
  /** Where each element of the chunk begins, in bytes from the start of the attributes. */
  readonly offsets: readonly number[];
}

/**
 *     NFTA_LIST_ELEM {
 *       NFTA_SET_ELEM_KEY       { NFTA_DATA_VALUE bytes }
 *       [NFTA_SET_ELEM_DATA     { NFTA_DATA_VALUE bytes | NFTA_DATA_VERDICT {…} }]
 *       [NFTA_SET_ELEM_FLAGS    be32 NFT_SET_ELEM_INTERVAL_END]
 *       [NFTA_SET_ELEM_TIMEOUT  be64 milliseconds]
 *       [NFTA_SET_ELEM_USERDATA { comment }]
 *     }
 */
export function encodeElement(element: ElementSpec): Buffer {
  const attributes = [encodeValue(NFTA_SET_ELEM_KEY, element.key)];
  if (element.data !== undefined) attributes.push(encodeData(NFTA_SET_ELEM_DATA, element.data));
  if (element.isIntervalEnd === true) attributes.push(be32(NFTA_SET_ELEM_FLAGS, NFT_SET_ELEM_INTERVAL_END));
  if (element.timeoutMs !== undefined) attributes.push(be64(NFTA_SET_ELEM_TIMEOUT, BigInt(element.timeoutMs)));
  if (element.comment !== undefined) {
    attributes.push(attribute(NFTA_SET_ELEM_USERDATA, commentEntry(NFTNL_UDATA_SET_ELEM_COMMENT, element.comment)));
  }
  return nested(NFTA_LIST_ELEM, attributes);
}

/**
 *     NFTA_SET_ELEM_LIST_TABLE    text
 *     NFTA_SET_ELEM_LIST_SET      text
 *     NFTA_SET_ELEM_LIST_ELEMENTS { NFTA_LIST_ELEM {…} … }
 *
 * One such list for each message that the elements need: the length of an attribute has 16 bits.
 */
export function encodeElements(set: SetRef, elements: readonly ElementSpec[]): ElementChunk[] {
  const head = encodeElementsRef(set);
  const headLength = head.reduce((length, part) => length + part.length, 0);
  const listStart = headLength + attribute(NFTA_SET_ELEM_LIST_ELEMENTS, Buffer.alloc(0)).length;
  const chunks: ElementChunk[] = [];
  let encoded: Buffer[] = [];
  let offsets: number[] = [];
  let end = listStart;
  let firstIndex = 0;
  const finish = (): void => {
    chunks.push({ attributes: [...head, nested(NFTA_SET_ELEM_LIST_ELEMENTS, encoded)], firstIndex, offsets });
  };
  elements.forEach((element, index) => {
    const bytes = encodeElement(element);
    if (encoded.length > 0 && end + bytes.length > ELEMENTS_PER_MESSAGE_BYTES) {
      finish();
      [encoded, offsets, end, firstIndex] = [[], [], listStart, index];
    }
    encoded.push(bytes);
    offsets.push(end);
    end += bytes.length;
  });
  if (encoded.length > 0) finish();
  return chunks;
}

/** What asks for all elements of a set, or in NFT_MSG_DELSETELEM removes them. */
export const encodeElementsRef = (set: SetRef): Buffer[] => [
  text(NFTA_SET_ELEM_LIST_TABLE, set.table),
  text(NFTA_SET_ELEM_LIST_SET, set.name),
];

/** Reads one message of a listing: some elements of one set. */
export function decodeElements(bytes: Buffer): Decoded<Element[]> {
  const attributes = new AttributeDecoder(bytes);
  const list = attributes.nested(NFTA_SET_ELEM_LIST_ELEMENTS);
  const entries = list?.list(NFTA_LIST_ELEM) ?? [];
  const fault = attributes.fault ?? list?.fault;
  if (fault !== undefined) return faulty(fault);
  const elements: Element[] = [];
  for (const entry of entries) {
    const element = decodeElement(entry);
    if (!element.ok) return element;
    elements.push(element.value);
  }
  return decoded(elements);
}

function decodeElement(attributes: AttributeDecoder): Decoded<Element> {
  const key = attributes.bytes(NFTA_SET_ELEM_KEY);
  const keyEnd = attributes.bytes(NFTA_SET_ELEM_KEY_END);
  const flags = attributes.be32(NFTA_SET_ELEM_FLAGS) ?? 0;
  const isCatchAll = (flags & NFT_SET_ELEM_CATCHALL) !== 0;
  const data = attributes.bytes(NFTA_SET_ELEM_DATA);
  const timeoutMs = attributes.be64(NFTA_SET_ELEM_TIMEOUT);
  const expirationMs = attributes.be64(NFTA_SET_ELEM_EXPIRATION);
  const comment = decodeComment(attributes.bytes(NFTA_SET_ELEM_USERDATA), NFTNL_UDATA_SET_ELEM_COMMENT);
  if (attributes.fault !== undefined) return faulty(attributes.fault);
  if (key === undefined && !isCatchAll) return faulty('an element without key');
  const keyValue = key === undefined ? decoded(Buffer.alloc(0)) : decodeData(key);
  if (!keyValue.ok) return keyValue;
  const keyEndValue = keyEnd === undefined ? decoded(undefined) : decodeData(keyEnd);
  if (!keyEndValue.ok) return keyEndValue;
  const bounds = [keyValue.value, keyEndValue.value] as const;
  if (!isKey(bounds)) return faulty('an element with a verdict for a key');
  const dataValue = data === undefined ? decoded(undefined) : decodeData(data);
  if (!dataValue.ok) return dataValue;
  return decoded({
    key: bounds[0],
    ...((flags & NFT_SET_ELEM_INTERVAL_END) !== 0 && { isIntervalEnd: true }),
    ...(bounds[1] !== undefined && { keyEnd: bounds[1] }),
    ...(isCatchAll && { isCatchAll }),
    data: dataValue.value,
    timeoutMs: timeoutMs === undefined ? undefined : Number(timeoutMs),
    expirationMs: expirationMs === undefined ? undefined : Number(expirationMs),
    comment,
  });
}

const isKey = (bounds: readonly [Data, Data | undefined]): bounds is readonly [Buffer, Buffer | undefined] =>
  bounds.every((bound) => bound === undefined || Buffer.isBuffer(bound));
