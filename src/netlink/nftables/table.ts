import { AttributeDecoder, attribute, be32, text } from '../attributes.js';
import {
  NFT_TABLE_F_OWNER,
  NFTA_TABLE_FLAGS,
  NFTA_TABLE_HANDLE,
  NFTA_TABLE_NAME,
  NFTA_TABLE_USE,
  NFTA_TABLE_USERDATA,
  NFTNL_UDATA_TABLE_COMMENT,
} from './constants.js';
import { decoded, faulty, type Decoded } from './decoded.js';
import type { Family } from './message.js';
import { commentEntry, decodeComment } from './userdata.js';

/** Names a table. */
export interface TableRef {
  readonly family: Family;
  readonly name: string;
}

/** A table to be made. */
export interface TableSpec extends TableRef {
  /** Shown by `nft list`; up to 127 bytes. Linux keeps it since 5.10. */
  readonly comment?: string;
  /** It goes with the socket that makes it, however that ends, and nobody else may change it. Linux has it since 5.12. */
  readonly isTheSockets?: boolean;
}

/** A table as the kernel has it. */
export interface Table extends TableRef {
  readonly handle: bigint;
  readonly flags: number;
  /** Chains, sets, objects and flowtables in it. */
  readonly useCount: number;
  readonly comment: string | undefined;
}

/**
 *     NFTA_TABLE_NAME      text
 *     NFTA_TABLE_FLAGS     be32 0, or NFT_TABLE_F_OWNER
 *     [NFTA_TABLE_USERDATA { comment }]
 */
export function encodeTable(table: TableSpec): Buffer[] {
  const flags = table.isTheSockets === true ? NFT_TABLE_F_OWNER : 0;
  const attributes = [text(NFTA_TABLE_NAME, table.name), be32(NFTA_TABLE_FLAGS, flags)];
  if (table.comment !== undefined) {
    attributes.push(attribute(NFTA_TABLE_USERDATA, commentEntry(NFTNL_UDATA_TABLE_COMMENT, table.comment)));
  }
  return attributes;
}

/** What deletes or asks for a table: its name alone. */
export const encodeTableRef = (table: TableRef): Buffer[] => [text(NFTA_TABLE_NAME, table.name)];

export function decodeTable(family: Family, bytes: Buffer): Decoded<Table> {
  const attributes = new AttributeDecoder(bytes);
  const name = attributes.text(NFTA_TABLE_NAME);
  const handle = attributes.be64(NFTA_TABLE_HANDLE);
  const flags = attributes.be32(NFTA_TABLE_FLAGS) ?? 0;
  const useCount = attributes.be32(NFTA_TABLE_USE) ?? 0;
  const comment = decodeComment(attributes.bytes(NFTA_TABLE_USERDATA), NFTNL_UDATA_TABLE_COMMENT);
  if (attributes.fault !== undefined) return faulty(attributes.fault);
  if (name === undefined || handle === undefined) return faulty('a table without name or handle');
  return decoded({ family, name, handle, flags, useCount, comment });
}
