/** What was asked for, as it is kept in the kernel beside the rules: comments on the elements of a set. */
import { encodeFields } from '../../netlink/nftables/data-type.js';
import type { Element, ElementSpec } from '../../netlink/nftables/element.js';
import { LINK_PART, ORDERS } from './names.js';

const KEY_LENGTH = 8;
/** Less than a comment may hold (127), since words are ASCII. */
const PART_CHARACTERS = 120;

/** A device that was set for a rule, and how it was before. */
export interface ChangedLink {
  readonly device: string;
  readonly gsoMaxSegments: number;
}

export interface Order {
  readonly id: number;
  /** `PREROUTING -d 2001:db8::/64 --dst-pfx 2001:db8::1/128` */
  readonly words: string;
  readonly link?: ChangedLink;
}

export function encodeOrder({ id, words, link }: Order): ElementSpec[] {
  const parts = Array.from({ length: Math.ceil(words.length / PART_CHARACTERS) }, (_, index) =>
    element(id, index, words.slice(index * PART_CHARACTERS, (index + 1) * PART_CHARACTERS)),
  );
  return link === undefined ? parts : [...parts, element(id, LINK_PART, `${link.device} ${link.gsoMaxSegments}`)];
}

/** In the order of their numbers. Elements that are not ours are passed over. */
export function decodeOrders(elements: readonly Element[]): readonly Order[] {
  const parts = new Map<number, Map<number, string>>();
  for (const { key, comment } of elements) {
    if (key.length !== KEY_LENGTH || comment === undefined) continue;
    const [id, part] = [key.readUInt32LE(0), key.readUInt32LE(4)];
    const order = parts.get(id) ?? new Map<number, string>();
    parts.set(id, order.set(part, comment));
  }
  return [...parts]
    .toSorted(([a], [b]) => a - b)
    .map(([id, order]) => {
      const link = readLink(order.get(LINK_PART));
      const texts = [...order].filter(([part]) => part < LINK_PART).toSorted(([a], [b]) => a - b);
      const words = texts.map(([, text]) => text).join('');
      return link === undefined ? { id, words } : { id, words, link };
    });
}

const element = (id: number, part: number, comment: string): ElementSpec => ({
  key: encodeFields(ORDERS.key, [id, part]),
  comment,
});

function readLink(text: string | undefined): ChangedLink | undefined {
  const [, device, segments] = /^(\S+) ([0-9]+)$/.exec(text ?? '') ?? [];
  return device === undefined ? undefined : { device, gsoMaxSegments: Number(segments) };
}
