import { SystemError } from '../../sys/errors.js';
import { AttributeDecoder } from '../attributes.js';
import { NETLINK_NETFILTER, NLM_F_DUMP } from '../constants.js';
import { isKernelError, KernelError, type RequestSubject } from '../errors.js';
import { NLMSG_HDRLEN } from '../message.js';
import { NetlinkSocket, type NetlinkRequest } from '../socket.js';
import type { Batch, EncodedBatch } from './batch.js';
import { decodeChain, type Chain } from './chain.js';
import {
  NFTA_CHAIN_TABLE,
  NFT_MSG_GETCHAIN,
  NFT_MSG_GETGEN,
  NFT_MSG_GETRULE,
  NFT_MSG_GETSET,
  NFT_MSG_GETSETELEM,
  NFT_MSG_GETTABLE,
} from './constants.js';
import type { Decoded } from './decoded.js';
import { decodeElements, encodeElementsRef, type Element } from './element.js';
import { BatchTooLargeError, DecodeError } from './errors.js';
import { decodeGeneration } from './generation.js';
import { decodeNftMessage, encodeNftMessage, encodeUnspecific, type Family } from './message.js';
import { decodeRule, encodeRulesFilter, type Rule } from './rule.js';
import { decodeSet, encodeSetsFilter, type NftablesSet, type SetRef } from './set.js';
import { nameSet } from './subject.js';
import { decodeTable, encodeTableRef, type Table, type TableRef } from './table.js';
import { wholeDump } from './whole-dump.js';

// A batch leaves in one piece. The kernel takes the memory only while it is on its way.
const SEND_BUFFER_BYTES = 16 * 1024 * 1024;
// Every refused message of a batch is answered, at about 1 KiB of buffer each.
const RECEIVE_BUFFER_BYTES = 4 * 1024 * 1024;
// The first batch after boot loads kernel modules, which takes its time on small machines.
const TIMEOUT_MS = 15_000;

/** Changes and lists the ruleset of the network namespace it was opened in. Needs CAP_NET_ADMIN there. */
export class NftablesClient {
  private readonly socket: NetlinkSocket;

  private constructor(socket: NetlinkSocket) {
    this.socket = socket;
  }

  static open(options: { readonly sendBufferBytes?: number; readonly timeoutMs?: number } = {}): NftablesClient {
    const { sendBufferBytes = SEND_BUFFER_BYTES, timeoutMs = TIMEOUT_MS } = options;
    return new NftablesClient(
      NetlinkSocket.open(NETLINK_NETFILTER, { receiveBufferBytes: RECEIVE_BUFFER_BYTES, sendBufferBytes, timeoutMs }),
    );
  }

  /**
   * Makes all changes of the batch or none. Rejects with the KernelError of the first change refused, which names it
   * (down to the element) and lists the `others`; with code ERESTART if the ruleset no longer has the `generation`
   * given; with BatchTooLargeError if it does not fit into the send buffer.
   */
  async commit(batch: Batch, options: { readonly generation?: number } = {}): Promise<void> {
    const encoded = batch.encode(options.generation);
    try {
      await this.socket.sendBatch(encoded.messages, encoded.subjects);
    } catch (error) {
      if (error instanceof KernelError) throw locate(error, encoded);
      if (error instanceof SystemError && error.code === 'EMSGSIZE') {
        throw new BatchTooLargeError(batchBytes(encoded), { cause: error });
      }
      throw error;
    }
  }

  async tables(family: Family): Promise<Table[]> {
    const request = encodeNftMessage(NFT_MSG_GETTABLE, NLM_F_DUMP, family, []);
    return await this.list(request, `tables of family ${family}`, decodeTable);
  }

  /** undefined where there is no such table. */
  async table(ref: TableRef): Promise<Table | undefined> {
    const request = encodeNftMessage(NFT_MSG_GETTABLE, 0, ref.family, encodeTableRef(ref));
    const [table] = await this.list(request, `table ${ref.family} ${ref.name}`, decodeTable);
    return table;
  }

  /** The chains of a table; none where there is no such table. */
  async chains(family: Family, table: string): Promise<Chain[]> {
    const request = encodeNftMessage(NFT_MSG_GETCHAIN, NLM_F_DUMP, family, []);
    // The kernel lists the chains of all tables of the family, and those of others may be of kinds we do not know.
    const isOurs = (attributes: Buffer): boolean => new AttributeDecoder(attributes).text(NFTA_CHAIN_TABLE) === table;
    return await this.list(request, `chains of table ${family} ${table}`, decodeChain, isOurs);
  }

  /** The sets and maps of a table, also the nameless ones of rules; none where there is no such table. */
  async sets(family: Family, table: string): Promise<NftablesSet[]> {
    const request = encodeNftMessage(NFT_MSG_GETSET, NLM_F_DUMP, family, encodeSetsFilter(table));
    return await this.list(request, `sets of table ${family} ${table}`, decodeSet);
  }

  /** The rules of a table, chain by chain in order; none where there is no such table. */
  async rules(family: Family, table: string): Promise<Rule[]> {
    const request = encodeNftMessage(NFT_MSG_GETRULE, NLM_F_DUMP, family, encodeRulesFilter(table));
    return await this.list(request, `rules of table ${family} ${table}`, decodeRule);
  }

  /**
   * The elements of a set, in no order; none where there is no such set or table. Those timed out are left out. Of a set
   * with intervals both ends of each are elements, and where nothing ends at 0 that may be listed as an end as well.
   */
  async elements(set: SetRef): Promise<Element[]> {
    const request = encodeNftMessage(NFT_MSG_GETSETELEM, NLM_F_DUMP, set.family, encodeElementsRef(set));
    const object = `elements of ${nameSet(set)}`;
    const dump = async (): Promise<Element[]> =>
      (await this.list(request, object, (_, bytes) => decodeElements(bytes))).flat();
    return await wholeDump(dump, object);
  }

  /** The number of the ruleset's present state. */
  async generation(): Promise<number> {
    const what = { op: 'get', object: "the ruleset's generation" };
    for (const reply of await this.socket.request(encodeUnspecific(NFT_MSG_GETGEN, 0), what)) {
      const message = valueOf(decodeNftMessage(reply.type, reply.body), what.object);
      return valueOf(decodeGeneration(message.attributes), what.object).id;
    }
    throw new DecodeError(what.object, 'an empty answer');
  }

  /** May be called any number of times. */
  close(): void {
    this.socket.close();
  }

  private async list<T>(
    request: NetlinkRequest,
    object: string,
    decode: (family: Family, attributes: Buffer) => Decoded<T>,
    filter: (attributes: Buffer) => boolean = () => true,
  ): Promise<T[]> {
    const values: T[] = [];
    for (const reply of await this.replies(request, { op: 'list', object })) {
      const { family, attributes } = valueOf(decodeNftMessage(reply.type, reply.body), object);
      if (family !== undefined && filter(attributes)) values.push(valueOf(decode(family, attributes), object));
    }
    return values;
  }

  private async replies(request: NetlinkRequest, what: RequestSubject): Promise<{ type: number; body: Buffer }[]> {
    try {
      return await this.socket.request(request, what);
    } catch (error) {
      if (isKernelError(error, 'ENOENT')) return [];
      throw error;
    }
  }
}

function valueOf<T>(result: Decoded<T>, what: string): T {
  if (!result.ok) throw new DecodeError(what, result.fault);
  return result.value;
}

/** The same error with the name of the very part of the message that the kernel points at. */
function locate(error: KernelError, batch: EncodedBatch): KernelError {
  const located = error.others.map((other) => locate(other, batch));
  const subject = batch.subjects[error.messageIndex];
  const object = error.attributeOffset === undefined ? undefined : subject?.locate?.(error.attributeOffset);
  const { errno, kernelMessage, attributeOffset } = error;
  return new KernelError(
    { op: error.op, object: object ?? error.object },
    {
      errno,
      ...(kernelMessage !== undefined && { kernelMessage }),
      ...(attributeOffset !== undefined && { attributeOffset }),
    },
    error.messageIndex,
    located,
  );
}

const batchBytes = ({ messages }: EncodedBatch): number =>
  messages.reduce((bytes, message) => bytes + NLMSG_HDRLEN + message.body.length, 0);
