/** The filter of type-filter.ts on devices of the network namespace it was opened in, and the hook that it hangs on. */
import { NETLINK_ROUTE, NLM_F_CREATE, NLM_F_DUMP, NLM_F_EXCL } from '../constants.js';
import { isKernelError } from '../errors.js';
import { NetlinkSocket } from '../socket.js';
import {
  RTM_DELQDISC,
  RTM_DELTFILTER,
  RTM_GETTFILTER,
  RTM_NEWQDISC,
  RTM_NEWTFILTER,
  TC_H_EGRESS_HOOK,
  TC_H_INGRESS_HOOK,
} from './constants.js';
import {
  encodeFilterDump,
  encodeFilterHook,
  encodeTypeFilter,
  encodeTypeFilterKey,
  isTypeFilter,
} from './type-filter.js';

const NEW = NLM_F_CREATE | NLM_F_EXCL;

/** All methods reject with KernelError where the kernel refuses, and with NetlinkError where it doesn't answer. */
export class TypeFilterClient {
  private readonly socket: NetlinkSocket;

  private constructor(socket: NetlinkSocket) {
    this.socket = socket;
  }

  static open(): TypeFilterClient {
    return new TypeFilterClient(NetlinkSocket.open(NETLINK_ROUTE));
  }

  /** Resolves with whether it was made: the device may have one already. */
  async addHook(index: number): Promise<boolean> {
    return await this.unless('EEXIST', RTM_NEWQDISC, NEW, encodeFilterHook(index), 'add hook for filters', index);
  }

  /** Nothing may hang on it. Resolves with whether there was one. */
  async deleteHook(index: number): Promise<boolean> {
    return await this.unless('ENOENT', RTM_DELQDISC, 0, encodeFilterHook(index), 'delete hook for filters', index);
  }

  /** Whether any filter hangs on the device. */
  async isHookUsed(index: number): Promise<boolean> {
    const lists = [await this.filters(index, TC_H_INGRESS_HOOK), await this.filters(index, TC_H_EGRESS_HOOK)];
    return lists.some((filters) => filters.length > 0);
  }

  /** The device needs a hook. Resolves with whether it was made: one with its place may be there already. */
  async add(index: number): Promise<boolean> {
    return await this.unless('EEXIST', RTM_NEWTFILTER, NEW, encodeTypeFilter(index), 'add filter', index);
  }

  /** Resolves with whether there was one. */
  async delete(index: number): Promise<boolean> {
    if (!(await this.has(index))) return false;
    return await this.unless('ENOENT', RTM_DELTFILTER, 0, encodeTypeFilterKey(index), 'delete filter', index);
  }

  /** Whether the device has it, and not another one in its place. */
  async has(index: number): Promise<boolean> {
    return (await this.filters(index, TC_H_INGRESS_HOOK)).some(isTypeFilter);
  }

  close(): void {
    this.socket.close();
  }

  /** As the kernel lists them; each of them comes with a head that says little. */
  private async filters(index: number, hook: number): Promise<Buffer[]> {
    const what = { op: 'list', object: `filters of link ${index}` };
    const body = encodeFilterDump(index, hook);
    const replies = await this.socket.request({ type: RTM_GETTFILTER, flags: NLM_F_DUMP, body }, what);
    return replies.flatMap((reply) => (reply.type === RTM_NEWTFILTER ? [reply.body] : []));
  }

  /** False where the kernel refuses it by this error. */
  private async unless(
    code: 'EEXIST' | 'ENOENT',
    type: number,
    flags: number,
    body: Buffer,
    op: string,
    index: number,
  ): Promise<boolean> {
    try {
      await this.socket.request({ type, flags, body }, { op, object: `link ${index}` });
      return true;
    } catch (error) {
      if (!isKernelError(error, code)) throw error;
      return false;
    }
  }
}
