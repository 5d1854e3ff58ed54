import assert from 'node:assert/strict';
import { be64 } from '../../../src/netlink/attributes.js';
import { NFTA_SET_HANDLE } from '../../../src/netlink/nftables/constants.js';
import { decodeSet, encodeSet, type SetSpec } from '../../../src/netlink/nftables/set.js';
import { hex } from './hex.js';
import { assertTotal, valueOf } from './total.js';

const place = { family: 'ip', table: 'outer_t' } as const;

const SOURCES: SetSpec = {
  ...place,
  name: 'sources',
  key: ['ipv4_addr'],
  size: 128,
  dynamic: true,
  defaultTimeoutMs: 60_000,
};

const SOURCES_ENCODED = hex(`
  0c00 0100 6f757465725f7400       ; NFTA_SET_TABLE "outer_t"
  0c00 0200 736f757263657300       ; NFTA_SET_NAME "sources"
  0800 0300 00000030               ; NFTA_SET_FLAGS NFT_SET_TIMEOUT | NFT_SET_EVAL
  0800 0400 00000007               ; NFTA_SET_KEY_TYPE ipv4_addr
  0800 0500 00000004               ; NFTA_SET_KEY_LEN
  0800 0a00 00000001               ; NFTA_SET_ID
  0c00 0980  0800 0100 00000080    ; NFTA_SET_DESC { NFTA_SET_DESC_SIZE 128 }
  0c00 0b00 000000000000ea60       ; NFTA_SET_TIMEOUT 60000
  0a00 0d00 0004020000000000       ; NFTA_SET_USERDATA { key in network order }
`);

const listed = (set: SetSpec): Buffer => Buffer.concat([...encodeSet(set, 1), be64(NFTA_SET_HANDLE, 4n)]);

describe('set messages', () => {
  it('of dynamic sets are encoded as nft 1.0.6 does', () => {
    assert.deepEqual(Buffer.concat(encodeSet(SOURCES, 1)), SOURCES_ENCODED);
  });

  it('of concatenated maps are encoded as nft does', () => {
    const peers: SetSpec = {
      ...place,
      name: 'peers',
      key: ['ipv4_addr', 'inet_service'],
      data: ['ipv4_addr'],
      timeouts: true,
    };
    assert.deepEqual(
      Buffer.concat(encodeSet(peers, 3)),
      hex(`
        0c00 0100 6f757465725f7400
        0a00 0200 7065657273000000       ; "peers"
        0800 0300 00000018               ; NFT_SET_MAP | NFT_SET_TIMEOUT
        0800 0400 000001cd               ; ipv4_addr . inet_service
        0800 0500 00000008
        0800 0600 00000007               ; NFTA_SET_DATA_TYPE
        0800 0700 00000004               ; NFTA_SET_DATA_LEN
        0800 0a00 00000003
        1000 0d00 000400000000 010402000000
      `),
    );
  });

  it('of verdict maps are encoded as nft does', () => {
    assert.deepEqual(
      Buffer.concat(encodeSet({ ...place, name: 'vm', key: ['inet_service'], data: 'verdict' }, 4)),
      hex(`
        0c00 0100 6f757465725f7400
        0700 0200 766d0000
        0800 0300 00000008
        0800 0400 0000000d
        0800 0500 00000002
        0800 0600 ffffff00               ; NFT_DATA_VERDICT
        0800 0700 00000000
        0800 0a00 00000004
        1000 0d00 000402000000 010400000000
      `),
    );
  });

  it('say that names are in host order, as nft does, and carry comments', () => {
    const links = Buffer.concat(encodeSet({ ...place, name: 'links', key: ['ifname'], comment: 'names' }, 2));
    assert.deepEqual(links.subarray(-20), hex('1200 0d00 000401000000 07066e616d657300 0000'));
  });

  it('come back as they went', () => {
    assert.deepEqual(valueOf(decodeSet('ip', listed({ ...SOURCES, comment: 'who' }))), {
      ...SOURCES,
      handle: 4n,
      flags: 0x30,
      keyLength: 4,
      data: undefined,
      intervals: false,
      timeouts: true,
      comment: 'who',
    });
    assert.ok(valueOf(decodeSet('ip', listed({ ...place, name: 'i', key: ['mark'], intervals: true }))).intervals);
    const verdicts = valueOf(decodeSet('ip', listed({ ...place, name: 'vm', key: ['inet_service'], data: 'verdict' })));
    assert.equal(verdicts.data, 'verdict');
    assert.deepEqual([verdicts.timeouts, verdicts.dynamic, verdicts.size], [false, false, undefined]);
  });

  it('decode whatever bytes come', () => {
    assertTotal((bytes) => decodeSet('ip', bytes), listed(SOURCES));
  });
});
