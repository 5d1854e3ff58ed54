/**
 * User data: bytes the kernel keeps for the one who made an object. nft fills them with entries
 *
 *     u8 type; u8 length; value[length]                                                   (libnftnl, src/udata.c)
 *
 * and shows the comment among them. We write the same, so that `nft list` shows ours.
 */
import { NFT_USERDATA_MAXLEN, NFTNL_UDATA_COMMENT_MAXLEN } from './constants.js';

/** One entry. */
export function userdataEntry(type: number, value: Uint8Array): Buffer {
  return Buffer.concat([Buffer.of(type, value.length), value]);
}

/**
 * A comment as nft writes it, NUL-terminated.
 * @throws RangeError for a comment of more than 127 bytes, which nft could not show
 */
export function commentEntry(type: number, comment: string): Buffer {
  const value = Buffer.from(`${comment}\0`);
  if (value.length > NFTNL_UDATA_COMMENT_MAXLEN) {
    throw new RangeError(`a comment of ${value.length - 1} bytes: the limit is ${NFTNL_UDATA_COMMENT_MAXLEN - 1}`);
  }
  return userdataEntry(type, value);
}

/**
 * The comment in user data; undefined where there is none. Others may keep there what they like, so bytes that do not
 * read as entries are no fault: they hold no comment.
 */
export function decodeComment(userdata: Buffer | undefined, type: number): string | undefined {
  if (userdata === undefined || userdata.length > NFT_USERDATA_MAXLEN) return undefined;
  let found: string | undefined;
  for (let offset = 0; offset < userdata.length;) {
    const entryLength = userdata[offset + 1];
    if (entryLength === undefined || offset + 2 + entryLength > userdata.length) return undefined;
    const value = userdata.subarray(offset + 2, offset + 2 + entryLength);
    if (userdata[offset] === type) found = value.toString('utf8', 0, value.at(-1) === 0 ? value.length - 1 : undefined);
    offset += 2 + entryLength;
  }
  return found;
}
