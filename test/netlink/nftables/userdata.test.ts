import assert from 'node:assert/strict';
import fc from 'fast-check';
import { commentEntry, decodeComment, userdataEntry } from '../../../src/netlink/nftables/userdata.js';
import { hex } from './hex.js';

describe('nf_tables user data', () => {
  it('holds a comment as nft 1.0.6 writes it', () => {
    assert.deepEqual(commentEntry(0, 'hello'), hex('00 06 68656c6c6f00'));
  });

  it('yields the comment among other entries', () => {
    const userdata = Buffer.concat([userdataEntry(0, hex('01000000')), commentEntry(7, 'names')]);
    assert.deepEqual(userdata, hex('00 04 01000000  07 06 6e616d657300'));
    assert.equal(decodeComment(userdata, 7), 'names');
  });

  it('yields a comment that lacks its NUL', () => {
    assert.equal(decodeComment(hex('00 02 6869'), 0), 'hi');
  });

  it('takes comments of up to 127 bytes and no more', () => {
    assert.equal(decodeComment(commentEntry(0, 'é'.repeat(63) + 'a'), 0), 'é'.repeat(63) + 'a');
    assert.throws(() => commentEntry(0, 'é'.repeat(64)), RangeError);
  });

  it('holds no comment where it is missing, cut off or somebody else’s', () => {
    assert.equal(decodeComment(undefined, 0), undefined);
    assert.equal(decodeComment(hex('00 06 6865'), 0), undefined);
    assert.equal(decodeComment(hex('00'), 0), undefined);
    assert.equal(decodeComment(hex('01 02 6869'), 0), undefined);
  });

  it('may be any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        const comment = decodeComment(Buffer.from(bytes), 0);
        return comment === undefined || comment.length <= 255;
      }),
    );
  });
});
