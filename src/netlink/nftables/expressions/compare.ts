/**
 * Is what the kernel lists what we asked for? It lists the same attributes, but not always in the same order or with
 * NLA_F_NESTED, and may add ones we left out.
 */
import { align4 } from '../../attributes.js';
import type { Expression } from './expression.js';

const NLA_F_NESTED = 0x8000;
const NLA_TYPE_MASK = 0x3fff;
const NLA_HDRLEN = 4;

/**
 * True if the expressions `listed` by the kernel do what the `wanted` ones (made by our encoders) do. The numbers of
 * counters don't count. Attributes that only the list has must be zeros: the kernel's word for "not used".
 */
export const sameExpressions = (wanted: readonly Expression[], listed: readonly Expression[]): boolean =>
  wanted.length === listed.length &&
  wanted.every((ours, index) => {
    const theirs = listed[index];
    if (theirs?.name !== ours.name) return false;
    return ours.name === 'counter' || sameAttributes(ours.data, theirs.data);
  });

interface RawAttribute {
  readonly type: number;
  readonly isNested: boolean;
  readonly payload: Buffer;
}

function sameAttributes(wanted: Buffer, listed: Buffer): boolean {
  const rest = readAttributes(listed);
  for (const ours of readAttributes(wanted)) {
    const index = rest.findIndex((theirs) => theirs.type === ours.type);
    const [theirs] = index < 0 ? [] : rest.splice(index, 1);
    if (theirs === undefined) return false;
    const same = ours.isNested ? sameAttributes(ours.payload, theirs.payload) : ours.payload.equals(theirs.payload);
    if (!same) return false;
  }
  return rest.every((theirs) => theirs.payload.every((byte) => byte === 0));
}

/** Total: what does not read as an attribute ends the list. */
function readAttributes(bytes: Buffer): RawAttribute[] {
  const attributes: RawAttribute[] = [];
  let offset = 0;
  while (bytes.length - offset >= NLA_HDRLEN) {
    const length = bytes.readUInt16LE(offset);
    if (length < NLA_HDRLEN || offset + length > bytes.length) break;
    const type = bytes.readUInt16LE(offset + 2);
    attributes.push({
      type: type & NLA_TYPE_MASK,
      isNested: (type & NLA_F_NESTED) !== 0,
      payload: bytes.subarray(offset + NLA_HDRLEN, offset + length),
    });
    offset += align4(length);
  }
  return attributes;
}
