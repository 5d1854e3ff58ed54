/** The FOU listeners of the network namespace it was opened in. */
import { NETLINK_GENERIC, NLM_F_DUMP } from '../constants.js';
import type { NetlinkRequest } from '../socket.js';
import { NetlinkSocket } from '../socket.js';
import { encodeGeneric, findFamily } from '../genl/family.js';
import { FOU_CMD_ADD, FOU_CMD_DEL, FOU_CMD_GET, FOU_GENL_NAME, FOU_GENL_VERSION } from './constants.js';
import {
  decodeFouListener,
  encodeFouKey,
  encodeFouListener,
  type FouKey,
  type FouListener,
  type FouListenerSpec,
} from './listener.js';

/** The kernel doesn't know FOU now: unlike others, this module isn't loaded by being asked for. */
export class FouUnavailableError extends Error {
  override readonly name = 'FouUnavailableError';
  readonly code = 'FOU_UNAVAILABLE';

  constructor() {
    super('the kernel module fou is not loaded (modprobe fou), or this kernel has none');
  }
}

/** All methods reject with FouUnavailableError without the module, and with KernelError where the kernel refuses. */
export class FouClient {
  private readonly socket: NetlinkSocket;

  private constructor(socket: NetlinkSocket) {
    this.socket = socket;
  }

  static open(): FouClient {
    return new FouClient(NetlinkSocket.open(NETLINK_GENERIC));
  }

  async listeners(): Promise<FouListener[]> {
    const request = await this.message(FOU_CMD_GET, NLM_F_DUMP, []);
    const replies = await this.socket.request(request, { op: 'list', object: 'FOU listeners' });
    return replies.flatMap((reply) => decodeFouListener(reply.body) ?? []);
  }

  /** EADDRINUSE where the port is taken, by whatever socket. */
  async add(spec: FouListenerSpec): Promise<void> {
    const request = await this.message(FOU_CMD_ADD, 0, encodeFouListener(spec));
    await this.socket.request(request, { op: 'add FOU listener on', object: placeOf(spec) });
  }

  /** The key must be the whole one that the listener was made with. EINVAL where there is none such. */
  async delete(key: FouKey): Promise<void> {
    const request = await this.message(FOU_CMD_DEL, 0, encodeFouKey(key));
    await this.socket.request(request, { op: 'delete FOU listener on', object: placeOf(key) });
  }

  close(): void {
    this.socket.close();
  }

  private async message(command: number, flags: number, attributes: readonly Buffer[]): Promise<NetlinkRequest> {
    // Asked for anew each time: a module loaded again gets another number.
    const type = await findFamily(this.socket, FOU_GENL_NAME);
    if (type === undefined) throw new FouUnavailableError();
    return { type, flags, body: encodeGeneric(command, FOU_GENL_VERSION, attributes) };
  }
}

const placeOf = (key: FouKey): string => `UDP port ${key.port}${key.local === undefined ? '' : ` of ${key.local}`}`;
