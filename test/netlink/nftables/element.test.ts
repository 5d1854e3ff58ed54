import assert from 'node:assert/strict';
import fc from 'fast-check';
import { be64, nested } from '../../../src/netlink/attributes.js';
import {
  NFTA_SET_ELEM_EXPIRATION,
  NFTA_SET_ELEM_LIST_ELEMENTS,
  NFTA_LIST_ELEM,
} from '../../../src/netlink/nftables/constants.js';
import { encodeFields } from '../../../src/netlink/nftables/data-type.js';
import {
  decodeElements,
  encodeElement,
  encodeElements,
  type ElementSpec,
} from '../../../src/netlink/nftables/element.js';
import type { SetRef } from '../../../src/netlink/nftables/set.js';
import { hex } from './hex.js';
import { assertTotal, valueOf } from './total.js';

const peers: SetRef = { family: 'ip', table: 'outer_t', name: 'peers', key: ['ipv4_addr', 'inet_service'] };
const element: ElementSpec = {
  key: encodeFields(['ipv4_addr', 'inet_service'], ['192.0.2.9', 4000]),
  data: encodeFields(['ipv4_addr'], ['172.29.0.1']),
  timeoutMs: 3_600_000,
};

const anyElement: fc.Arbitrary<ElementSpec> = fc.record(
  {
    key: fc.uint8Array({ minLength: 1, maxLength: 64 }).map((bytes) => Buffer.from(bytes)),
    data: fc.oneof(
      fc.uint8Array({ minLength: 1, maxLength: 64 }).map((bytes) => Buffer.from(bytes)),
      fc.constant({ kind: 'jump', chain: 'outer' } as const),
    ),
    isIntervalEnd: fc.constant(true),
    timeoutMs: fc.nat(),
    comment: fc.stringMatching(/^[ -~]{0,100}$/),
  },
  { requiredKeys: ['key'], noNullPrototype: true },
);

const absent = {
  data: undefined,
  timeoutMs: undefined,
  expirationMs: undefined,
  comment: undefined,
};
const keyOf = (index: number): Buffer => encodeFields(['mark'], [index]);

describe('element messages', () => {
  it('hold what nft 1.0.6 sends', () => {
    const [chunk] = encodeElements(peers, [element]);
    assert.deepEqual(
      Buffer.concat(chunk!.attributes),
      hex(`
        0c00 0100 6f757465725f7400               ; NFTA_SET_ELEM_LIST_TABLE "outer_t"
        0a00 0200 7065657273000000               ; NFTA_SET_ELEM_LIST_SET "peers"
        3000 0380                                ; NFTA_SET_ELEM_LIST_ELEMENTS
          2c00 0180                              ;   NFTA_LIST_ELEM
            1000 0180  0c00 0100 c00002090fa00000  ;   NFTA_SET_ELEM_KEY
            0c00 0280  0800 0100 ac1d0001          ;   NFTA_SET_ELEM_DATA
            0c00 0400 000000000036ee80             ;   NFTA_SET_ELEM_TIMEOUT
      `),
    );
  });

  it('carry comments as nft does', () => {
    const [chunk] = encodeElements(peers, [{ key: hex('0035'), comment: 'x' }]);
    assert.deepEqual(Buffer.concat(chunk!.attributes).subarray(-8), hex('0800 0600 00027800'));
  });

  it('come back as they went', () => {
    fc.assert(
      fc.property(fc.array(anyElement, { maxLength: 20 }), (elements) => {
        const chunks = encodeElements(peers, elements);
        const read = chunks.flatMap((chunk) => valueOf(decodeElements(Buffer.concat(chunk.attributes))));
        assert.deepEqual(
          read,
          elements.map((spec) => ({ ...absent, ...spec })),
        );
      }),
    );
  });

  it('tell how long an element has left', () => {
    const listed = nested(NFTA_SET_ELEM_LIST_ELEMENTS, [
      nested(NFTA_LIST_ELEM, [encodeElement({ key: hex('01') }).subarray(4), be64(NFTA_SET_ELEM_EXPIRATION, 1500n)]),
    ]);
    assert.deepEqual(valueOf(decodeElements(listed)), [{ ...absent, key: hex('01'), expirationMs: 1500 }]);
  });

  it('tell the ends of intervals, of ranges, and what stands for all other keys', () => {
    const listed = nested(NFTA_SET_ELEM_LIST_ELEMENTS, [
      hex(`
        1800 0180                              ; NFTA_LIST_ELEM
          0800 0300 00000001                   ;   NFTA_SET_ELEM_FLAGS NFT_SET_ELEM_INTERVAL_END
          0c00 0180  0600 0100 0035 0000       ;   NFTA_SET_ELEM_KEY 0035
        1c00 0180
          0c00 0180  0600 0100 0035 0000       ;   NFTA_SET_ELEM_KEY 0035
          0c00 0a80  0600 0100 0050 0000       ;   NFTA_SET_ELEM_KEY_END 0050
        0c00 0180
          0800 0300 00000002                   ;   NFTA_SET_ELEM_FLAGS NFT_SET_ELEM_CATCHALL
      `),
    ]);
    assert.deepEqual(valueOf(decodeElements(listed)), [
      { ...absent, key: hex('0035'), isIntervalEnd: true },
      { ...absent, key: hex('0035'), keyEnd: hex('0050') },
      { ...absent, key: Buffer.alloc(0), isCatchAll: true },
    ]);
  });

  it('split long lists into messages whose lengths fit, and lose none', () => {
    const elements = Array.from({ length: 5000 }, (_, index) => ({ key: keyOf(index) }));
    const chunks = encodeElements(peers, elements);
    assert.ok(chunks.length > 1);
    const read = chunks.map((chunk) => valueOf(decodeElements(Buffer.concat(chunk.attributes))));
    for (const chunk of chunks) assert.ok(Buffer.concat(chunk.attributes).length < 65536);
    assert.deepEqual(
      chunks.map((chunk) => chunk.firstIndex),
      read.map((_, index) => read.slice(0, index).flat().length),
    );
    assert.deepEqual(
      read.flat().map(({ key }) => key.readUInt32LE()),
      elements.map((_, index) => index),
    );
  });

  it('know where each element stands', () => {
    const elements = [element, { key: keyOf(1) }, { key: keyOf(2), comment: 'third' }];
    const [chunk] = encodeElements(peers, elements);
    const bytes = Buffer.concat(chunk!.attributes);
    chunk!.offsets.forEach((offset, index) => {
      const encoded = encodeElement(elements[index]!);
      assert.deepEqual(bytes.subarray(offset, offset + encoded.length), encoded);
    });
    assert.equal(chunk!.offsets.length, 3);
  });

  it('are none for no elements', () => {
    assert.deepEqual(encodeElements(peers, []), []);
  });

  it('decode whatever bytes come', () => {
    const [chunk] = encodeElements(peers, [element, { key: hex('01'), data: { kind: 'drop' }, comment: 'x' }]);
    assertTotal(decodeElements, Buffer.concat(chunk!.attributes));
  });
});
